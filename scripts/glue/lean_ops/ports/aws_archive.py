"""Implements the interfaces of `ports.interfaces` that only an erasure has, with boto3."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from lean_ops.ports.interfaces import KEYS, Item

_RETRIES = Config(retries={"mode": "adaptive", "max_attempts": 8})


class DynamoKeys:
    """The items of keys in the table of operations."""

    def __init__(self, table: str) -> None:
        self._client: Any = boto3.client("dynamodb", config=_RETRIES)
        self._table = table

    def of(self, operation_id: str) -> Sequence[str] | None:
        found = self._client.get_item(TableName=self._table, Key=_key(operation_id), ConsistentRead=True)
        item = found.get("Item")
        return None if item is None else [one["S"] for one in item["keys"]["L"]]

    def found(self, operation_id: str) -> Mapping[str, int]:
        found = self._client.get_item(TableName=self._table, Key=_key(operation_id), ConsistentRead=True)
        noted = found.get("Item", {}).get("found", {}).get("M", {})
        return {name: int(count["N"]) for name, count in noted.items()}

    def note(self, operation_id: str, found: Mapping[str, int]) -> None:
        self._client.update_item(
            TableName=self._table,
            Key=_key(operation_id),
            UpdateExpression="SET #found = :found",
            ConditionExpression="attribute_exists(operation_id)",
            ExpressionAttributeNames={"#found": "found"},
            ExpressionAttributeValues={
                ":found": {"M": {name: {"N": str(count)} for name, count in found.items()}}
            },
        )

    def drop(self, operation_id: str) -> None:
        self._client.delete_item(TableName=self._table, Key=_key(operation_id))


def _key(operation_id: str) -> dict[str, dict[str, str]]:
    return {"operation_id": {"S": f"{KEYS}{operation_id}"}}


class AwsArchive:
    """Objects in S3, and items of the archive's index and of the table of idempotency in DynamoDB."""

    def __init__(self, archive_table: str, idempotency_table: str) -> None:
        self._s3: Any = boto3.client("s3", config=_RETRIES)
        self._dynamodb: Any = boto3.client("dynamodb", config=_RETRIES)
        self._archive_table = archive_table
        self._idempotency_table = idempotency_table

    def list(self, bucket: str, prefix: str) -> Iterable[str]:
        for page in self._s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
            for found in page.get("Contents", ()):
                yield found["Key"]

    def read(self, bucket: str, key: str) -> bytes | None:
        try:
            return bytes(self._s3.get_object(Bucket=bucket, Key=key)["Body"].read())
        except ClientError as error:
            if error.response["Error"]["Code"] in ("NoSuchKey", "404"):
                return None
            raise

    def put(self, bucket: str, key: str, content: bytes) -> None:
        self._s3.put_object(Bucket=bucket, Key=key, Body=content)

    def delete(self, bucket: str, key: str) -> None:
        self._s3.delete_object(Bucket=bucket, Key=key)

    def entries(self, topic: str) -> Iterable[Item]:
        pages = self._dynamodb.get_paginator("query").paginate(
            TableName=self._archive_table,
            KeyConditionExpression="topic_name = :topic",
            ExpressionAttributeValues={":topic": {"S": topic}},
            ProjectionExpression="topic_name, failed_at_message_id, s3_key",
        )
        for page in pages:
            for item in page["Items"]:
                yield {name: value["S"] for name, value in item.items() if "S" in value}

    def delete_entry(self, topic: str, failed_at_message_id: str) -> None:
        key = {"topic_name": {"S": topic}, "failed_at_message_id": {"S": failed_at_message_id}}
        self._dynamodb.delete_item(TableName=self._archive_table, Key=key)

    def delete_attempts(self, message_id: str) -> None:
        key = {"id": {"S": f"sqs-processor#{message_id}"}}
        self._dynamodb.delete_item(TableName=self._idempotency_table, Key=key)
