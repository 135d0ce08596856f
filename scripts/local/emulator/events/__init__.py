"""SQS event source mappings and EventBridge rules that start Lambdas, and requests that are repeated."""
