"""The adapters to AWS against recorded answers: the requests that they make, and what they make of the
answers."""

import io
import json
from datetime import datetime, timedelta, timezone
from types import SimpleNamespace

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.response import StreamingBody
from botocore.stub import ANY, Stubber

from lean_ops.ports import aws
from lean_ops.ports.interfaces import ICEBERG, ActiveFile, Provisioned


@pytest.fixture(autouse=True)
def _no_account(monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)


def test_the_registry_is_read_to_its_last_page():
    registry = aws.DynamoRegistry("registry")
    item = {"topic_name": {"S": "a.b"}, "processing_enabled": {"BOOL": True}, "schema_version": {"N": "3"}}
    with Stubber(registry._table.meta.client) as stub:
        stub.add_response("scan", {"Items": [item], "LastEvaluatedKey": {"topic_name": {"S": "a.b"}}})
        expected = {"TableName": "registry", "ExclusiveStartKey": {"topic_name": "a.b"}}
        stub.add_response("scan", {"Items": [{"topic_name": {"S": "c.d"}}]}, expected)
        items = list(registry.items())
    assert [one["topic_name"] for one in items] == ["a.b", "c.d"]
    assert items[0]["processing_enabled"] is True


def test_a_checkpoint_keeps_ids_as_text_and_never_goes_back():
    checkpoints = aws.DynamoCheckpoints("points")
    item = {
        "cycle_id": "c2",
        "snapshot_id": "9007199254740993",
        "counts": {"written": 2},
        "behind": [{"topic_name": "a.b"}],
        "complete_through": None,
    }
    typed = {
        "topic_name": {"S": "*"},
        "layer": {"S": "raw"},
        "cycle_id": {"S": "c2"},
        "snapshot_id": {"S": "9007199254740993"},
        "counts": {"M": {"written": {"N": "2"}}},
        "behind": {"L": [{"M": {"topic_name": {"S": "a.b"}}}]},
    }
    expected = {
        "TableName": "points",
        "Item": typed,
        "ConditionExpression": "attribute_not_exists(cycle_id) OR cycle_id <= :cycle",
        "ExpressionAttributeValues": {":cycle": {"S": "c2"}},
    }
    with Stubber(checkpoints._client) as stub:
        stub.add_response("put_item", {}, expected)
        stub.add_client_error("put_item", "ConditionalCheckFailedException")
        stub.add_client_error("put_item", "AccessDeniedException")
        stub.add_response("get_item", {"Item": typed})
        stub.add_response("get_item", {})
        checkpoints.put("*", "raw", item)
        checkpoints.put("*", "raw", item)  # A later run has written: this is no error.
        with pytest.raises(ClientError):
            checkpoints.put("*", "raw", item)
        read = checkpoints.get("*", "raw")
        assert read is not None
        assert (read["snapshot_id"], read["counts"]) == ("9007199254740993", {"written": 2})
        assert checkpoints.get("a.b", "standardized") is None


def test_checkpoints_of_many_topics_are_read_to_the_last_however_busy_dynamodb_is(monkeypatch):
    waits: list[float] = []
    # Not the module time itself: other threads of the process sleep too.
    monkeypatch.setattr(aws, "time", SimpleNamespace(sleep=waits.append))
    checkpoints = aws.DynamoCheckpoints("points")
    keys = [{"topic_name": {"S": f"t{n}"}, "layer": {"S": "curated"}} for n in range(103)]
    items = [{**key, "cycle_id": {"S": "c1"}} for key in keys]

    def requested(wanted):
        return {"RequestItems": {"points": {"Keys": wanted, "ConsistentRead": True}}}

    def unprocessed(left):
        return {"points": {"Keys": left, "ConsistentRead": True}} if left else {}

    def answered(found, left=()):
        return {"Responses": {"points": found}, "UnprocessedKeys": unprocessed(list(left))}

    with Stubber(checkpoints._client) as stub:
        stub.add_response("batch_get_item", answered(items[:90], keys[90:100]), requested(keys[:100]))
        stub.add_response("batch_get_item", answered([], keys[90:]), requested(keys[90:]))
        # t102 has no checkpoint yet.
        stub.add_response("batch_get_item", answered(items[90:102]), requested(keys[90:]))
        found = checkpoints.of_topics([f"t{n}" for n in range(103)], "curated")
        stub.assert_no_pending_responses()
    assert list(found) == [f"t{n}" for n in range(102)]
    assert found["t101"]["cycle_id"] == "c1"
    assert waits == [0.1, 0.2]
    assert checkpoints.of_topics([], "curated") == {}


def test_a_missing_schema_is_none_and_other_failures_are_not():
    schemas = aws.S3Schemas("bucket")
    with Stubber(schemas._client) as stub:
        stub.add_client_error("get_object", "NoSuchKey")
        stub.add_client_error("get_object", "AccessDenied")
        body = StreamingBody(io.BytesIO('{"title":"é"}'.encode()), 14)
        expected = {"Bucket": "bucket", "Key": "schemas/a.b/active/schema.json"}
        stub.add_response("get_object", {"Body": body}, expected)
        assert schemas.active("a.b") is None
        with pytest.raises(ClientError):
            schemas.active("a.b")
        assert schemas.active("a.b") == '{"title":"é"}'


def answer(payload, **more):
    text = json.dumps(payload).encode()
    return {"StatusCode": 200, "Payload": StreamingBody(io.BytesIO(text), len(text)), **more}


def test_each_topic_gets_its_own_answer_from_the_provisioner():
    provisioner = aws.LambdaProvisioner("provisioner")
    tables = [
        {"topic_name": "a.b", "table_name": "a_b", "status": "READY"},
        {
            "topic_name": "a-b",
            "table_name": "a_b",
            "status": "REFUSED",
            "error_code": "TOPIC_COLLISION",
            "error_message": "no",
        },
    ]
    request = {"action": "standardized", "topics": ["a.b", "a-b", "c"]}
    with Stubber(provisioner._client) as stub:
        expected = {"FunctionName": "provisioner", "Payload": json.dumps(request).encode()}
        stub.add_response("invoke", answer({"tables": tables}), expected)
        outcomes = provisioner.ensure(["a.b", "a-b", "c"])
    assert outcomes[:2] == [Provisioned("a.b"), Provisioned("a-b", "TOPIC_COLLISION", "no")]
    assert outcomes[2].error_code == "PROVISIONER_FAILED"


def test_a_provisioner_that_fails_is_an_answer_for_its_topics_only():
    provisioner = aws.LambdaProvisioner("provisioner")
    topics = [f"t{n}" for n in range(51)]
    with Stubber(provisioner._client) as stub:
        failed = answer({"errorMessage": "Athena is tired"}, FunctionError="Unhandled")
        stub.add_response("invoke", failed, {"FunctionName": "provisioner", "Payload": ANY})
        stub.add_client_error("invoke", "TooManyRequestsException")
        outcomes = provisioner.ensure(topics)
    assert [one.topic for one in outcomes] == topics
    assert {one.error_code for one in outcomes} == {"PROVISIONER_FAILED"}
    assert outcomes[0].error_message == "Athena is tired"


def test_catch_up_reads_the_registry_consistently():
    registry = aws.DynamoTopicRegistry("registry")
    with Stubber(registry._table.meta.client) as stub:
        more = {"Items": [], "LastEvaluatedKey": {"topic_name": {"S": "a"}}}
        stub.add_response("scan", more, {"TableName": "registry", "ConsistentRead": True})
        expected = {"TableName": "registry", "ConsistentRead": True, "ExclusiveStartKey": {"topic_name": "a"}}
        stub.add_response("scan", {"Items": []}, expected)
        assert list(registry.items()) == []


def test_every_write_to_the_registry_has_a_condition_and_says_whether_it_held():
    registry = aws.DynamoTopicRegistry("registry")
    owner = {"topic_name": {"S": "table#a_b"}, "owner": {"S": "a.b"}, "table_name": {"S": "a_b"}}
    claim = {
        "TableName": "registry",
        "Item": owner,
        "ConditionExpression": "attribute_not_exists(topic_name) OR #owner = :topic",
        "ExpressionAttributeNames": {"#owner": "owner"},
        "ExpressionAttributeValues": {":topic": {"S": "a.b"}},
    }
    add = {
        "TableName": "registry",
        "Item": {
            "topic_name": {"S": "a.b"},
            "processing_enabled": {"BOOL": True},
            "schema_version": {"N": "3"},
        },
        "ConditionExpression": "attribute_not_exists(topic_name)",
    }
    fill = {
        "TableName": "registry",
        "Key": {"topic_name": {"S": "a.b"}},
        "UpdateExpression": "SET #n0 = :v0, #n1 = :v1",
        "ConditionExpression": "attribute_exists(topic_name) AND attribute_not_exists(#n0) "
        "AND claimed_sequencer = :claimed",
        "ExpressionAttributeNames": {"#n0": "status", "#n1": "updated_at"},
        "ExpressionAttributeValues": {":v0": {"S": "READY"}, ":v1": {"S": "now"}, ":claimed": {"S": "7"}},
    }
    attributes = {"status": "READY", "updated_at": "now"}
    with Stubber(registry._client) as stub:
        stub.add_response("put_item", {}, claim)
        stub.add_response("put_item", {}, add)
        stub.add_response("update_item", {}, fill)
        assert registry.claim_table("a_b", "a.b")
        assert registry.add({"topic_name": "a.b", "processing_enabled": True, "schema_version": 3})
        assert registry.fill("a.b", attributes, "7")
        for method in ("put_item", "put_item", "update_item"):
            stub.add_client_error(method, "ConditionalCheckFailedException")
        assert not registry.claim_table("a_b", "a.b")
        assert not registry.add({"topic_name": "a.b"})
        assert not registry.fill("a.b", attributes, None)
        stub.add_client_error("put_item", "AccessDeniedException")
        with pytest.raises(ClientError):
            registry.add({"topic_name": "a.b"})


def test_the_schema_bucket_lists_its_folders_and_gives_files_as_they_are():
    bucket = aws.S3SchemaBucket("bucket")
    with Stubber(bucket._client) as stub:
        query = {"Bucket": "bucket", "Prefix": "schemas/", "Delimiter": "/"}
        pages = {
            "CommonPrefixes": [{"Prefix": "schemas/a.b/"}],
            "IsTruncated": True,
            "NextContinuationToken": "t",
        }
        stub.add_response("list_objects_v2", pages, query)
        stub.add_response("list_objects_v2", {"IsTruncated": False}, {**query, "ContinuationToken": "t"})
        assert list(bucket.topics()) == ["a.b"]
        expected = {"Bucket": "bucket", "Key": "schemas/a.b/active/schema.json"}
        body = StreamingBody(io.BytesIO(b"\xff{"), 2)
        stub.add_response("get_object", {"Body": body, "ETag": '"e1"'}, expected)
        stub.add_client_error("get_object", "NoSuchKey")
        stub.add_client_error("get_object", "AccessDenied")
        assert bucket.active_file("a.b") == ActiveFile(b"\xff{", "e1")
        assert bucket.active_file("a.b") is None
        with pytest.raises(ClientError):
            bucket.active_file("a.b")


def test_the_catalog_tells_iceberg_tables_from_others():
    catalog = aws.GlueCatalog("lean_ops")
    tables = [
        {"Name": "a", "TableType": "EXTERNAL_TABLE", "Parameters": {"table_type": "iceberg"}},
        {"Name": "b", "TableType": "VIRTUAL_VIEW"},
        {"Name": "c", "TableType": "EXTERNAL_TABLE", "Parameters": {}},
        {"Name": "d", "Parameters": {"table_type": "DELTA"}},
    ]
    with Stubber(catalog._client) as stub:
        query = {"DatabaseName": "lean_ops_curated"}
        stub.add_response("get_tables", {"TableList": tables[:1], "NextToken": "t"}, query)
        stub.add_response("get_tables", {"TableList": tables[1:]}, {**query, "NextToken": "t"})
        kinds = {entry.name: entry.kind for entry in catalog.entries("curated")}
    assert kinds == {"a": ICEBERG, "b": "view", "c": "table that is not Iceberg", "d": "DELTA table"}


def test_the_places_of_metadata_files_come_from_one_listing_and_of_iceberg_tables_only():
    catalog = aws.GlueCatalog("lean_ops")
    own = {"table_type": "ICEBERG", "metadata_location": "s3://lake/a/metadata/00001.metadata.json"}
    tables = [
        {"Name": "a", "Parameters": own},
        {"Name": "b", "TableType": "VIRTUAL_VIEW"},
        {"Name": "c", "Parameters": {**own, "table_type": "DELTA"}},
        {"Name": "d", "Parameters": {"table_type": "iceberg"}},
    ]
    with Stubber(catalog._client) as stub:
        query = {"DatabaseName": "lean_ops_curated"}
        stub.add_response("get_tables", {"TableList": tables[:1], "NextToken": "t"}, query)
        stub.add_response("get_tables", {"TableList": tables[1:]}, {**query, "NextToken": "t"})
        assert catalog.metadata_locations("curated") == {"a": own["metadata_location"]}


def test_an_operation_is_applied_only_while_it_runs_and_read_with_all_others():
    operations = aws.DynamoOperations("operations")
    typed = {
        "operation_id": {"S": "20261130T062500Z-hold-ab12cd"},
        "state": {"S": "RUNNING"},
        "counts": {"M": {"epoch": {"N": "3"}}},
        "recorded": {"BOOL": False},
    }
    at = datetime(2026, 11, 30, 7, 25, tzinfo=timezone(timedelta(hours=1)))
    applied = {
        "TableName": "operations",
        "Key": {"operation_id": {"S": "op"}},
        "UpdateExpression": "SET #step = :after, #counts = :counts, #updated = :at",
        "ConditionExpression": "#state = :running AND #step IN (:before, :after)",
        "ExpressionAttributeNames": {
            "#step": "step",
            "#counts": "counts",
            "#updated": "updated_at",
            "#state": "state",
        },
        "ExpressionAttributeValues": {
            ":after": {"S": "APPLIED"},
            ":before": {"S": "DRAINED"},
            ":running": {"S": "RUNNING"},
            ":at": {"S": "2026-11-30T06:25:00.000Z"},
            ":counts": {"M": {"epoch": {"N": "3"}}},
        },
    }
    with Stubber(operations._client) as stub:
        stub.add_response("update_item", {}, applied)
        stub.add_client_error("update_item", "ConditionalCheckFailedException")
        stub.add_client_error("update_item", "AccessDeniedException")
        stub.add_response(
            "update_item",
            {},
            {
                "TableName": "operations",
                "Key": {"operation_id": {"S": "op"}},
                "UpdateExpression": "SET #recorded = :yes, #state = :state",
                "ConditionExpression": "attribute_exists(operation_id)",
                "ExpressionAttributeNames": {"#recorded": "recorded", "#state": "recorded_state"},
                "ExpressionAttributeValues": {":yes": {"BOOL": True}, ":state": {"S": "DONE"}},
            },
        )
        stub.add_response("get_item", {"Item": typed})
        stub.add_response("get_item", {})
        key = {"operation_id": {"S": "x"}}
        stub.add_response("scan", {"Items": [typed], "LastEvaluatedKey": key})
        stub.add_response("scan", {"Items": [typed]})
        assert operations.apply("op", {"epoch": 3}, at) is True
        assert operations.apply("op", {"epoch": 3}, at) is False
        with pytest.raises(ClientError):
            operations.apply("op", {"epoch": 3}, at)
        operations.note_recorded("op", "DONE")
        plain = {
            "operation_id": "20261130T062500Z-hold-ab12cd",
            "state": "RUNNING",
            "counts": {"epoch": 3},
            "recorded": False,
        }
        assert operations.get("op") == plain
        assert operations.get("op") is None
        assert list(operations.all()) == [plain, plain]


def test_versions_of_entries_are_listed_by_page_and_deleted_by_hundreds():
    versions = aws.GlueTableVersions("lean_ops")
    place = {"DatabaseName": "lean_ops_raw", "TableName": "events"}
    gone = {"VersionId": "7", "ErrorDetail": {"ErrorCode": "EntityNotFoundException"}}
    refused = {"VersionId": "8", "ErrorDetail": {"ErrorCode": "AccessDeniedException", "ErrorMessage": "no"}}
    with Stubber(versions._client) as stub:
        page = {"TableVersions": [{"VersionId": "1"}], "NextToken": "t"}
        stub.add_response("get_table_versions", page, place)
        stub.add_response(
            "get_table_versions", {"TableVersions": [{"VersionId": "0"}]}, {**place, "NextToken": "t"}
        )
        ids = [str(n) for n in range(101)]
        stub.add_response(
            "batch_delete_table_version", {"Errors": [gone]}, {**place, "VersionIds": ids[:100]}
        )
        stub.add_response("batch_delete_table_version", {"Errors": []}, {**place, "VersionIds": ids[100:]})
        stub.add_response("batch_delete_table_version", {"Errors": [refused]}, {**place, "VersionIds": ["8"]})
        assert versions.of_table("raw", "events") == ["1", "0"]
        versions.delete("raw", "events", ids)
        with pytest.raises(aws.TableVersionError, match="version 8 of events: AccessDeniedException: no"):
            versions.delete("raw", "events", ["8"])
        stub.assert_no_pending_responses()
