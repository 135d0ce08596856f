"""Implements the interfaces of `ports.interfaces` with boto3, for DynamoDB, S3, Glue and Lambda.

Endpoints come from the environment (AWS_ENDPOINT_URL) and never from here. The region comes from use_region.
"""

import json
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from lean_ops.errors import LeanOpsError
from lean_ops.ports.interfaces import ICEBERG, ActiveFile, CatalogEntry, Item, Provisioned

# The driver's threads share a client, whose default is ten connections.
_RETRIES = Config(retries={"mode": "adaptive", "max_attempts": 8}, max_pool_connections=50)
# table-provisioner waits for Athena. A second call while it works would only add load.
_LONG_CALL = Config(read_timeout=900, retries={"mode": "standard", "max_attempts": 1})
_TOPICS_PER_INVOCATION = 50
"""How many topics one call of table-provisioner is about."""
_KEYS_PER_BATCH_GET = 100
"""The limit of BatchGetItem."""
_VERSIONS_PER_CALL = 100
"""The limit of BatchDeleteTableVersion."""
_LONGEST_WAIT_SECONDS = 5.0
"""The longest pause before a BatchGetItem that DynamoDB throttled is sent again."""


class TableVersionError(LeanOpsError):
    """Glue did not delete a version of a table's entry."""


@dataclass(frozen=True)
class Keys:
    """The keys of a principal, for clients that boto3 does not make."""

    access_key: str
    secret_key: str = field(repr=False)
    token: str | None = field(repr=False)


def use_region(region: str) -> None:
    """Makes all clients that are made from now on clients of this region, whatever the environment says."""
    boto3.setup_default_session(region_name=region)


def current_keys(region: str) -> Keys | None:
    """The keys with which this process acts now; None when boto3 finds none. region: where to ask for them.

    boto3 finds them as it does for its own clients, on the driver and on executors alike, and gets new ones
    some minutes before they expire. So they must not be kept for long.
    """
    found = _credentials(region)
    if found is None:
        return None
    keys = found.get_frozen_credentials()
    return Keys(keys.access_key, keys.secret_key, keys.token)


_credentials_by_region: dict[str, Any] = {}
_finding_credentials = threading.Lock()


def _credentials(region: str) -> Any:
    """boto3's credentials, which renew themselves; None when it finds none this time.

    Only what was found is kept: boto3 asks a machine's metadata once, for a second, and all workers of the
    machine ask at the same moment.
    """
    with _finding_credentials:
        found = _credentials_by_region.get(region)
        if found is None:
            found = boto3.Session(region_name=region).get_credentials()
            if found is not None:
                _credentials_by_region[region] = found
        return found


class DynamoRegistry:
    """The schema registry as the layers' jobs read it.

    consistent: whether reads are strongly consistent, so that they see all writes answered before.
    """

    def __init__(self, table: str, consistent: bool = False) -> None:
        self._table: Any = boto3.resource("dynamodb", config=_RETRIES).Table(table)
        self._always: dict[str, Any] = {"ConsistentRead": True} if consistent else {}

    def items(self) -> Iterable[Item]:
        request = dict(self._always)
        while True:
            page = self._table.scan(**request)
            yield from page["Items"]
            if "LastEvaluatedKey" not in page:
                return
            request = {**self._always, "ExclusiveStartKey": page["LastEvaluatedKey"]}


class DynamoTopicRegistry(DynamoRegistry):
    """The schema registry as historical_catch_up writes it.

    It writes through a client, which is thread-safe, unlike the resource that it reads with.
    """

    def __init__(self, table: str) -> None:
        super().__init__(table, consistent=True)
        self._name = table
        self._client: Any = boto3.client("dynamodb", config=_RETRIES)

    def claim_table(self, table: str, topic: str) -> bool:
        # claimTable in packages/common writes the same item.
        item = {"topic_name": f"table#{table}", "owner": topic, "table_name": table}
        return self._if(
            self._client.put_item,
            Item=_typed_all(item),
            ConditionExpression="attribute_not_exists(topic_name) OR #owner = :topic",
            ExpressionAttributeNames={"#owner": "owner"},
            ExpressionAttributeValues={":topic": {"S": topic}},
        )

    def add(self, item: Item) -> bool:
        condition = "attribute_not_exists(topic_name)"
        return self._if(self._client.put_item, Item=_typed_all(item), ConditionExpression=condition)

    def fill(self, topic: str, attributes: Item, claimed_sequencer: str | None) -> bool:
        given = list(enumerate(attributes.items()))
        values = {f":v{n}": _typed(value) for n, (_, value) in given}
        absent = [f"attribute_not_exists(#n{n})" for n, (name, _) in given if name != "updated_at"]
        if claimed_sequencer is None:
            absent.append("attribute_not_exists(claimed_sequencer)")
        else:
            absent.append("claimed_sequencer = :claimed")
            values[":claimed"] = {"S": claimed_sequencer}
        return self._if(
            self._client.update_item,
            Key={"topic_name": {"S": topic}},
            UpdateExpression="SET " + ", ".join(f"#n{n} = :v{n}" for n, _ in given),
            ConditionExpression=" AND ".join(["attribute_exists(topic_name)", *absent]),
            ExpressionAttributeNames={f"#n{n}": name for n, (name, _) in given},
            ExpressionAttributeValues=values,
        )

    def _if(self, write: Callable[..., Any], **request: Any) -> bool:
        try:
            write(TableName=self._name, **request)
        except ClientError as error:
            if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
                raise
            return False
        return True


class DynamoCheckpoints:
    """The mirror of checkpoints. It is thread-safe, as it uses a client of boto3 and not a resource."""

    def __init__(self, table: str) -> None:
        self._client: Any = boto3.client("dynamodb", config=_RETRIES)
        self._table = table

    def get(self, topic: str, layer: str) -> Item | None:
        key = {"topic_name": {"S": topic}, "layer": {"S": layer}}
        found = self._client.get_item(TableName=self._table, Key=key, ConsistentRead=True).get("Item")
        return None if found is None else _plain_all(found)

    def of_topics(self, topics: Iterable[str], layer: str) -> Mapping[str, Item]:
        keys = [{"topic_name": {"S": topic}, "layer": {"S": layer}} for topic in topics]
        found: dict[str, Item] = {}
        throttled = 0
        while keys:
            request = {"Keys": keys[:_KEYS_PER_BATCH_GET], "ConsistentRead": True}
            answer = self._client.batch_get_item(RequestItems={self._table: request})
            for item in answer["Responses"].get(self._table, ()):
                found[item["topic_name"]["S"]] = _plain_all(item)
            unprocessed = answer.get("UnprocessedKeys", {}).get(self._table, {}).get("Keys", [])
            keys = [*unprocessed, *keys[_KEYS_PER_BATCH_GET:]]
            # DynamoDB answers a throttled batch without an error, so boto3 does not pause before the next
            # one.
            throttled = throttled + 1 if unprocessed else 0
            if unprocessed:
                time.sleep(min(0.05 * 2**throttled, _LONGEST_WAIT_SECONDS))
        return found

    def put(self, topic: str, layer: str, item: Item) -> None:
        attributes = {"topic_name": topic, "layer": layer, **item}
        try:
            self._client.put_item(
                TableName=self._table,
                Item=_typed_all(attributes),
                ConditionExpression="attribute_not_exists(cycle_id) OR cycle_id <= :cycle",
                ExpressionAttributeValues={":cycle": {"S": item["cycle_id"]}},
            )
        except ClientError as error:
            # A later run has written its checkpoint, which stays.
            if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
                raise


class DynamoOperations:
    """The table of operations and of topics' locks, as the job operation uses it."""

    def __init__(self, table: str) -> None:
        self._client: Any = boto3.client("dynamodb", config=_RETRIES)
        self._table = table

    def get(self, operation_id: str) -> Item | None:
        key = {"operation_id": {"S": operation_id}}
        found = self._client.get_item(TableName=self._table, Key=key, ConsistentRead=True).get("Item")
        return None if found is None else _plain_all(found)

    def all(self) -> Iterable[Item]:
        for page in self._client.get_paginator("scan").paginate(TableName=self._table, ConsistentRead=True):
            yield from map(_plain_all, page["Items"])

    def progress(self, operation_id: str, counts: Item, at: datetime) -> bool:
        return self._move(operation_id, "BUILDING", "BUILDING", counts, at)

    def swapping(self, operation_id: str, counts: Item, at: datetime) -> bool:
        return self._move(operation_id, "DRAINED", "DRAINED", counts, at)

    def built(self, operation_id: str, counts: Item, at: datetime) -> bool:
        return self._move(operation_id, "BUILDING", "BUILT", counts, at)

    def apply(self, operation_id: str, counts: Item, at: datetime) -> bool:
        return self._move(operation_id, "DRAINED", "APPLIED", counts, at)

    def _move(self, operation_id: str, before: str, after: str, counts: Item, at: datetime) -> bool:
        values = {":after": after, ":before": before, ":running": "RUNNING", ":at": _iso(at)}
        return self._if(
            operation_id,
            "SET #step = :after, #counts = :counts, #updated = :at",
            "#state = :running AND #step IN (:before, :after)",
            {"#step": "step", "#counts": "counts", "#updated": "updated_at", "#state": "state"},
            {**values, ":counts": dict(counts)},
        )

    def note_recorded(self, operation_id: str, state: str) -> None:
        self._if(
            operation_id,
            "SET #recorded = :yes, #state = :state",
            "attribute_exists(operation_id)",
            {"#recorded": "recorded", "#state": "recorded_state"},
            {":yes": True, ":state": state},
        )

    def _if(
        self, operation_id: str, update: str, condition: str, names: Mapping[str, str], values: Item
    ) -> bool:
        try:
            self._client.update_item(
                TableName=self._table,
                Key={"operation_id": {"S": operation_id}},
                UpdateExpression=update,
                ConditionExpression=condition,
                ExpressionAttributeNames=dict(names),
                ExpressionAttributeValues=_typed_all(values),
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
                raise
            return False
        return True


def _iso(at: datetime) -> str:
    """A time as the functions write it: in UTC, to the millisecond."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class S3Schemas:
    """Active schemas as the layers' jobs read them."""

    def __init__(self, bucket: str) -> None:
        self._client: Any = boto3.client("s3", config=_RETRIES)
        self._bucket = bucket

    def active(self, topic: str) -> str | None:
        return self.at(_active_key(topic))

    def at(self, key: str) -> str | None:
        """The text of the object at a key; None when there is none."""
        found = _object(self._client, self._bucket, key)
        return None if found is None else str(found["Body"].read(), "utf-8")


class S3SchemaBucket:
    """The bucket of schemas as historical_catch_up reads it."""

    def __init__(self, bucket: str) -> None:
        self._client: Any = boto3.client("s3", config=_RETRIES)
        self._bucket = bucket

    def topics(self) -> Iterable[str]:
        pages = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix="schemas/", Delimiter="/"
        )
        for page in pages:
            for folder in page.get("CommonPrefixes", ()):
                yield folder["Prefix"].removeprefix("schemas/").removesuffix("/")

    def active_file(self, topic: str) -> ActiveFile | None:
        found = _object(self._client, self._bucket, _active_key(topic))
        return None if found is None else ActiveFile(found["Body"].read(), found["ETag"].strip('"'))


def _active_key(topic: str) -> str:
    return f"schemas/{topic}/active/schema.json"


def _object(client: Any, bucket: str, key: str) -> Any:
    """The answer of S3 to a request for an object; None when there is none."""
    try:
        return client.get_object(Bucket=bucket, Key=key)
    except ClientError as error:
        if error.response["Error"]["Code"] in ("NoSuchKey", "404"):
            return None
        raise


class GlueCatalog:
    """The databases of the Glue catalog."""

    def __init__(self, database_prefix: str) -> None:
        self._client: Any = boto3.client("glue", config=_RETRIES)
        self._prefix = database_prefix

    def entries(self, layer: str) -> Iterable[CatalogEntry]:
        for table in self._tables(layer):
            yield CatalogEntry(table["Name"], _kind(table))

    def metadata_locations(self, layer: str) -> Mapping[str, str]:
        return {
            table["Name"]: str(table["Parameters"]["metadata_location"])
            for table in self._tables(layer)
            if _kind(table) == ICEBERG and "metadata_location" in table["Parameters"]
        }

    def _tables(self, layer: str) -> Iterator[Mapping[str, Any]]:
        pages = self._client.get_paginator("get_tables").paginate(DatabaseName=f"{self._prefix}_{layer}")
        for page in pages:
            yield from page["TableList"]


def _kind(table: Mapping[str, Any]) -> str:
    declared = str(table.get("Parameters", {}).get("table_type", ""))
    if declared.upper() == "ICEBERG":
        return ICEBERG
    if table.get("TableType") == "VIRTUAL_VIEW":
        return "view"
    return f"{declared} table" if declared else "table that is not Iceberg"


class GlueTableVersions:
    """The versions that the Glue catalog keeps of its entries."""

    def __init__(self, database_prefix: str) -> None:
        self._client: Any = boto3.client("glue", config=_RETRIES)
        self._prefix = database_prefix

    def of_table(self, layer: str, table: str) -> Sequence[str]:
        pages = self._client.get_paginator("get_table_versions").paginate(
            DatabaseName=f"{self._prefix}_{layer}", TableName=table
        )
        return [one["VersionId"] for page in pages for one in page["TableVersions"]]

    def delete(self, layer: str, table: str, versions: Sequence[str]) -> None:
        for start in range(0, len(versions), _VERSIONS_PER_CALL):
            answer = self._client.batch_delete_table_version(
                DatabaseName=f"{self._prefix}_{layer}",
                TableName=table,
                VersionIds=list(versions[start : start + _VERSIONS_PER_CALL]),
            )
            for one in answer.get("Errors", ()):
                code = one["ErrorDetail"].get("ErrorCode")
                if code != "EntityNotFoundException":
                    message = one["ErrorDetail"].get("ErrorMessage")
                    raise TableVersionError(f"version {one.get('VersionId')} of {table}: {code}: {message}")


class LambdaProvisioner:
    """Calls the Lambda function table-provisioner, which creates Standardized tables."""

    def __init__(self, function: str) -> None:
        self._client: Any = boto3.client("lambda", config=_LONG_CALL)
        self._function = function

    def ensure(self, topics: Sequence[str]) -> Sequence[Provisioned]:
        outcomes: list[Provisioned] = []
        for start in range(0, len(topics), _TOPICS_PER_INVOCATION):
            outcomes += self._ensure(topics[start : start + _TOPICS_PER_INVOCATION])
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


def _typed_all(item: Item) -> dict[str, Any]:
    return {name: _typed(value) for name, value in item.items() if value is not None}


def _typed(value: Any) -> dict[str, Any]:
    """A value in DynamoDB's form. Ids must be given as text: readers in JavaScript would round them as
    numbers."""
    if isinstance(value, bool):
        return {"BOOL": value}
    if isinstance(value, int):
        return {"N": str(value)}
    if isinstance(value, dict):
        return {"M": {name: _typed(inner) for name, inner in value.items()}}
    if isinstance(value, list):
        return {"L": [_typed(inner) for inner in value]}
    return {"S": str(value)}


def _plain_all(item: Item) -> dict[str, Any]:
    return {name: _plain(value) for name, value in item.items()}


def _plain(value: dict[str, Any]) -> Any:
    [(kind, content)] = value.items()
    if kind == "N":
        number = Decimal(content)
        return int(number) if number == number.to_integral_value() else number
    if kind == "M":
        return {name: _plain(inner) for name, inner in content.items()}
    if kind == "L":
        return [_plain(inner) for inner in content]
    return None if kind == "NULL" else content
