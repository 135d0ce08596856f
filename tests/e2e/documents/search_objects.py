"""Reads every object of every bucket, in all its versions, and every item of every table of the local account
for a text, and prints where it is as JSON. Arguments: the endpoint and the text."""

import json
import sys
from pathlib import Path

import boto3

ROOT = Path(__file__).parents[3]
sys.path[:0] = [str(ROOT / "scripts" / "glue"), str(ROOT / "tests" / "glue" / "support")]

from searcher import content_of  # noqa: E402


def objects_with(s3, text):
    for bucket in (one["Name"] for one in s3.list_buckets()["Buckets"]):
        for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
            for one in page.get("Versions", ()):
                at = {"Bucket": bucket, "Key": one["Key"], "VersionId": one["VersionId"]}
                if text in one["Key"].encode() + content_of(one["Key"], s3.get_object(**at)["Body"].read()):
                    yield f"s3://{bucket}/{one['Key']}"


def items_with(dynamodb, text):
    for table in dynamodb.list_tables()["TableNames"]:
        for page in dynamodb.get_paginator("scan").paginate(TableName=table):
            yield from (f"{table}: {sorted(item)}" for item in page["Items"] if text in str(item).encode())


def main():
    endpoint, text = sys.argv[1], sys.argv[2].encode()
    account = {
        "endpoint_url": endpoint,
        "region_name": "eu-central-1",
        "aws_access_key_id": sys.argv[3],
        "aws_secret_access_key": sys.argv[4],
    }
    found = [
        *objects_with(boto3.client("s3", **account), text),
        *items_with(boto3.client("dynamodb", **account), text),
    ]
    print(json.dumps(sorted(found)))


if __name__ == "__main__":
    main()
