"""The ports over boto3. Endpoints come from the environment (AWS_ENDPOINT_URL), never from here."""

import json
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from lean_ops.ports import Item, Provisioned

_RETRIES = Config(retries={"mode": "adaptive", "max_attempts": 8})
# table-provisioner waits for Athena; asking again while it works would only add load.
_LONG_CALL = Config(read_timeout=900, retries={"mode": "standard", "max_attempts": 1})
_TOPICS_A_CALL = 50


class DynamoRegistry:
    def __init__(self, table: str) -> None:
        self._table: Any = boto3.resource("dynamodb", config=_RETRIES).Table(table)

    def items(self) -> Iterable[Item]:
        request: dict[str, Any] = {}
        while True:
            page = self._table.scan(**request)
            yield from page["Items"]
            if "LastEvaluatedKey" not in page:
                return
            request = {"ExclusiveStartKey": page["LastEvaluatedKey"]}


class DynamoCheckpoints:
    """Thread-safe: it uses a client, which is; a boto3 resource is not."""

    def __init__(self, table: str) -> None:
        self._client: Any = boto3.client("dynamodb", config=_RETRIES)
        self._table = table

    def get(self, topic: str, layer: str) -> Item | None:
        key = {"topic_name": {"S": topic}, "layer": {"S": layer}}
        found = self._client.get_item(TableName=self._table, Key=key, ConsistentRead=True).get("Item")
        return None if found is None else {name: _plain(value) for name, value in found.items()}

    def put(self, topic: str, layer: str, item: Item) -> None:
        attributes = {"topic_name": topic, "layer": layer, **item}
        try:
            self._client.put_item(
                TableName=self._table,
                Item={name: _typed(value) for name, value in attributes.items() if value is not None},
                ConditionExpression="attribute_not_exists(cycle_id) OR cycle_id <= :cycle",
                ExpressionAttributeValues={":cycle": {"S": item["cycle_id"]}},
            )
        except ClientError as error:
            # A later run was here: its word counts.
            if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
                raise


class S3Schemas:
    def __init__(self, bucket: str) -> None:
        self._client: Any = boto3.client("s3", config=_RETRIES)
        self._bucket = bucket

    def active(self, topic: str) -> str | None:
        try:
            found = self._client.get_object(Bucket=self._bucket, Key=f"schemas/{topic}/active/schema.json")
        except ClientError as error:
            if error.response["Error"]["Code"] in ("NoSuchKey", "404"):
                return None
            raise
        text: str = found["Body"].read().decode("utf-8")
        return text


class LambdaProvisioner:
    def __init__(self, function: str) -> None:
        self._client: Any = boto3.client("lambda", config=_LONG_CALL)
        self._function = function

    def ensure(self, topics: Sequence[str]) -> Sequence[Provisioned]:
        outcomes: list[Provisioned] = []
        for start in range(0, len(topics), _TOPICS_A_CALL):
            outcomes += self._ensure(topics[start : start + _TOPICS_A_CALL])
        return outcomes

    def _ensure(self, topics: Sequence[str]) -> list[Provisioned]:
        request = json.dumps({"action": "standardized", "topics": list(topics)}).encode()
        try:
            answer = self._client.invoke(FunctionName=self._function, Payload=request)
            body = json.loads(answer["Payload"].read())
            if answer.get("FunctionError"):
                problem = str(body.get("errorMessage", answer["FunctionError"]))[:500]
                return [Provisioned(topic, "PROVISIONER_FAILED", problem) for topic in topics]
        except (BotoCoreError, ClientError) as error:
            return [Provisioned(topic, "PROVISIONER_FAILED", str(error)[:500]) for topic in topics]
        answered = {
            table["topic_name"]: Provisioned(table["topic_name"])
            if table["status"] == "READY"
            else Provisioned(
                table["topic_name"], table.get("error_code") or "REFUSED", table.get("error_message") or ""
            )
            for table in body["tables"]
        }
        silent = Provisioned("", "PROVISIONER_FAILED", "table-provisioner did not answer for this topic")
        return [
            answered.get(topic, Provisioned(topic, silent.error_code, silent.error_message))
            for topic in topics
        ]


def _typed(value: Any) -> dict[str, Any]:
    """A DynamoDB attribute value. Ids are text: as numbers they would be rounded by readers in JavaScript."""
    if isinstance(value, bool):
        return {"BOOL": value}
    if isinstance(value, int):
        return {"N": str(value)}
    if isinstance(value, dict):
        return {"M": {name: _typed(inner) for name, inner in value.items()}}
    return {"S": str(value)}


def _plain(value: dict[str, Any]) -> Any:
    [(kind, content)] = value.items()
    if kind == "N":
        number = Decimal(content)
        return int(number) if number == number.to_integral_value() else number
    if kind == "M":
        return {name: _plain(inner) for name, inner in content.items()}
    return None if kind == "NULL" else content
