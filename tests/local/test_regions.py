"""The account is in one region: what is signed for another is refused. Arrow needs the region, too."""

import io

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from botocore.exceptions import ClientError
from local_stack import REGION, Stack
from pyarrow.fs import S3FileSystem

from lean_ops.ports import aws
from lean_ops.spark.file_io import FileStore

KEYS = {"access_key": "test", "secret_key": "test"}


@pytest.mark.parametrize(
    ("service", "call", "request_", "code"),
    [
        ("dynamodb", "list_tables", {}, "InvalidSignatureException"),
        ("glue", "get_databases", {}, "InvalidSignatureException"),
        ("lambda", "list_functions", {}, "InvalidSignatureException"),
        ("firehose", "list_delivery_streams", {}, "InvalidSignatureException"),
        ("athena", "list_work_groups", {}, "InvalidSignatureException"),
        ("stepfunctions", "list_state_machines", {}, "InvalidSignatureException"),
        ("sqs", "list_queues", {}, "SignatureDoesNotMatch"),
        ("cloudformation", "list_stacks", {}, "SignatureDoesNotMatch"),
    ],
)
def test_a_request_that_is_signed_for_another_region_is_refused(
    stack: Stack, service: str, call: str, request_: dict[str, str], code: str
) -> None:
    with pytest.raises(ClientError) as refused:
        getattr(stack.client(service, region="us-east-1"), call)(**request_)
    error = refused.value.response["Error"]
    assert error["Code"] == code
    assert "Credential should be scoped to a valid region" in error["Message"]
    getattr(stack.client(service), call)(**request_)


@pytest.mark.parametrize("service", ["iam", "sts"])
def test_services_with_one_endpoint_for_all_regions_take_its_own_and_the_accounts(
    stack: Stack, service: str
) -> None:
    call = {"iam": "list_roles", "sts": "get_caller_identity"}[service]
    getattr(stack.client(service, region="us-east-1"), call)()
    getattr(stack.client(service), call)()
    with pytest.raises(ClientError, match="scoped to a valid region"):
        getattr(stack.client(service, region="ap-south-1"), call)()


@pytest.fixture
def a_file(stack: Stack) -> str:
    content = io.BytesIO()
    pq.write_table(pa.table({"n": [1, 2]}), content)
    stack.client("s3").put_object(Bucket="lake", Key="regions/a.parquet", Body=content.getvalue())
    return "lake/regions/a.parquet"


def test_arrow_without_a_region_takes_us_east_1_and_is_sent_away(
    stack: Stack, a_file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nowhere")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    host = stack.endpoint.removeprefix("http://")
    files = S3FileSystem(region=None, endpoint_override=host, scheme="http", **KEYS)
    assert files.region == "us-east-1" != REGION
    with pytest.raises(OSError, match="301"):
        pq.read_table(a_file, filesystem=files)


def test_the_tasks_file_store_reads_in_the_region_of_the_catalog(
    stack: Stack, a_file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lean_ops.spark.file_io.current_keys", lambda _: aws.Keys(**KEYS, token=None))
    files = FileStore(region=REGION, endpoint=stack.endpoint).open(f"s3://{a_file}")
    assert pq.read_table(a_file, filesystem=files).column("n").to_pylist() == [1, 2]
