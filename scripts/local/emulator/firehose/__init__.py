"""Firehose to Iceberg, as strict as AWS."""
