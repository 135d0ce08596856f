"""The library's count of the calls that it makes of the Glue catalog, held to the calls that Glue gets."""

import io
import zipfile

from local_stack import REGION, ROOT, Stack

CONF = " --conf ".join(
    [
        "spark.sql.catalog.glue_catalog=org.apache.iceberg.spark.SparkCatalog",
        "spark.sql.catalog.glue_catalog.catalog-impl=org.apache.iceberg.aws.glue.GlueCatalog",
        "spark.sql.catalog.glue_catalog.io-impl=org.apache.iceberg.aws.s3.S3FileIO",
        "spark.sql.catalog.glue_catalog.warehouse=s3://lake/warehouse",
        f"spark.sql.catalog.glue_catalog.client.region={REGION}",
        "spark.driver.extraJavaOptions=-XX:TieredStopAtLevel=1",
    ]
)

COUNTING = """
import json
import sys
import urllib.request

from lean_ops.spark.catalog_calls import CatalogCalls
from lean_ops.spark.iceberg_classes import iceberg_of
from lean_ops.spark.session import open_session
from lean_ops.tables.commits import CYCLE_ID
from lean_ops.tables.spark_tables import Tables
from lean_ops.tables.topic_table import TopicTable

route = sys.argv[sys.argv.index("--waits") + 1]
spark = open_session("counting")
calls = CatalogCalls(1000)
iceberg_of(spark._jvm).calls = calls
tables = Tables(spark, "counted")
name = tables.name("ops", "t")
row = spark.sql("SELECT 'a' AS id, 1L AS n")


def counted(what, work):
    request = urllib.request.Request(route, b'{"milliseconds": {}}', method="POST")
    urllib.request.urlopen(request)
    before = calls.taken
    work()
    made = json.load(urllib.request.urlopen(route))["requests"]
    # Whoever waits for the run asks Glue for it, too.
    catalog = [number for key, number in made.items() if key.startswith("glue:") and "JobRun" not in key]
    print(what, calls.taken - before, sum(catalog))


loaded = TopicTable(spark, name)
plan = b'{"glue_calls_throttled": 4}'
urllib.request.urlopen(urllib.request.Request(route.replace("waits", "faults"), plan, method="POST"))
counted("throttled", lambda: TopicTable(spark, name))
counted("load", lambda: TopicTable(spark, name))
counted("list", lambda: tables.listed("ops"))
counted("read", lambda: tables.read(name).collect())
counted("append", lambda: tables.append(row, name, {CYCLE_ID: "c1"}))
counted("upsert", lambda: tables.upsert(row, name, ["id"], {CYCLE_ID: "c2"}))
counted("columns", lambda: tables.add_columns(name, {"x": None}))
counted("epoch", lambda: tables.raise_epoch(name, 1))
table = TopicTable(spark, name, epoch=1)
counted("commit", lambda: table.commit([], [], {CYCLE_ID: "c4"}))
table = TopicTable(spark, name, epoch=1)
counted("append_rows", lambda: table.append_rows(row, {CYCLE_ID: "c5"}))
table = TopicTable(spark, name, epoch=1)
counted("upsert_rows", lambda: table.upsert_rows(row, "id", {CYCLE_ID: "c6"}))
"""


def test_the_library_counts_the_calls_of_the_catalog_that_it_makes(stack: Stack) -> None:
    library = io.BytesIO()
    with zipfile.ZipFile(library, "w") as archive:
        for source in (ROOT / "scripts" / "glue" / "lean_ops").rglob("*.py"):
            archive.write(source, source.relative_to(ROOT / "scripts" / "glue"))
    s3 = stack.client("s3")
    s3.put_object(Bucket="lake", Key="scripts/lean_ops.zip", Body=library.getvalue())
    s3.put_object(Bucket="lake", Key="scripts/counting.py", Body=COUNTING.encode())
    made = stack.query("CREATE DATABASE IF NOT EXISTS counted_ops")
    assert made.state == "SUCCEEDED", made.reason
    made = stack.query(
        "CREATE TABLE `counted_ops`.`t` (`id` string, `n` bigint) LOCATION 's3://lake/warehouse/counted/t' "
        "TBLPROPERTIES ('table_type'='ICEBERG', 'write_data_path_enabled'='true')"
    )
    assert made.state == "SUCCEEDED", made.reason
    stack.client("glue").create_job(
        Name="counting",
        Role=stack.role("counting", "glue.amazonaws.com", (["s3:*", "glue:*", "logs:*"], ["*"])),
        Command={"Name": "glueetl", "ScriptLocation": "s3://lake/scripts/counting.py", "PythonVersion": "3"},
        DefaultArguments={
            "--conf": CONF,
            "--extra-py-files": "s3://lake/scripts/lean_ops.zip",
            "--waits": f"{stack.endpoint}/_lean_ops/waits",
        },
        GlueVersion="5.0",
        WorkerType="G.1X",
        NumberOfWorkers=2,
    )
    run = stack.glue_run("counting")
    assert (run["JobRunState"], run.get("ErrorMessage", "")) == ("SUCCEEDED", "")
    events = stack.client("logs").get_log_events(
        logGroupName="/aws-glue/jobs/output", logStreamName=run["Id"]
    )["events"]
    counts = [line.split() for line in (event["message"] for event in events)]
    # The SDK's own four tries would have ended with the four refusals.
    assert counts.pop(0) == ["throttled", "1", "5"]
    assert [(what, taken) for what, taken, _ in counts] == [(what, really) for what, _, really in counts]
    assert len(counts) == 10
