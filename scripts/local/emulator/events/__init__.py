"""Events that start Lambdas: SQS event source mappings, EventBridge rules, and repeated deliveries."""
