"""Quotas of AWS that more than one engine keeps to."""

MIB = 1024 * 1024

LAMBDA_PAYLOAD_BYTES = 6 * MIB
"""A synchronous invocation's request, and its response.

https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
"""
