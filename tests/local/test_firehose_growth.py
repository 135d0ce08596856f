"""What Firehose's commits leave behind: metadata files as the table asks for, and versions in the catalog."""

from typing import Any

from local_stack import ACCOUNT, REGION, Stack
from pyiceberg.catalog.glue import GlueCatalog

KEPT = 5
COMMITS = 12
ALL = ["*"]
LAKE = ["arn:aws:s3:::lake", "arn:aws:s3:::lake/*"]


def ask_for_few_metadata_files(stack: Stack) -> None:
    keys = {"s3.access-key-id": "test", "s3.secret-access-key": "test", "s3.region": REGION}
    catalog = GlueCatalog("test", client=stack.client("glue"), **{"s3.endpoint": stack.endpoint, **keys})
    with catalog.load_table("d.growing").transaction() as transaction:
        transaction.set_properties(
            {
                "write.metadata.delete-after-commit.enabled": "true",
                "write.metadata.previous-versions-max": str(KEPT),
            }
        )


def test_firehose_keeps_few_metadata_files_and_archives_each_version(stack: Stack) -> None:
    stack.query(
        "CREATE TABLE growing (id string) LOCATION 's3://lake/warehouse/d/growing/' "
        "TBLPROPERTIES ('table_type' = 'ICEBERG')"
    )
    ask_for_few_metadata_files(stack)
    rights = (["glue:GetTable", "glue:GetDatabase", "glue:UpdateTable"], ALL)
    role = stack.role("growth", "firehose.amazonaws.com", (["s3:*"], LAKE), rights)
    firehose: Any = stack.client("firehose")
    firehose.create_delivery_stream(
        DeliveryStreamName="growing",
        IcebergDestinationConfiguration={
            "RoleARN": role,
            "CatalogConfiguration": {"CatalogARN": f"arn:aws:glue:{REGION}:{ACCOUNT}:catalog"},
            "BufferingHints": {"SizeInMBs": 1, "IntervalInSeconds": 60},
            "DestinationTableConfigurationList": [
                {"DestinationDatabaseName": "d", "DestinationTableName": "growing"}
            ],
            "S3Configuration": {"RoleARN": role, "BucketARN": "arn:aws:s3:::lake"},
        },
    )
    for number in range(COMMITS):
        firehose.put_record(DeliveryStreamName="growing", Record={"Data": b'{"id": "%d"}' % number})
        assert stack.post("firehose/flush") == 200
    assert len(stack.query("SELECT id FROM growing").rows) == COMMITS + 1
    listed = stack.client("s3").list_objects_v2(Bucket="lake", Prefix="warehouse/d/growing/metadata/")
    assert sum(item["Key"].endswith(".metadata.json") for item in listed["Contents"]) == KEPT + 1
    pages = stack.client("glue").get_paginator("get_table_versions")
    versions = [
        one for page in pages.paginate(DatabaseName="d", TableName="growing") for one in page["TableVersions"]
    ]
    assert len(versions) >= COMMITS
