"""Glue jobs and the Step Functions task that waits for them."""

import io
import json
import zipfile
from typing import Any

import pytest
from botocore.exceptions import ClientError
from local_stack import ACCOUNT, REGION, Stack, wait_for

ALL = ["*"]
LAKE = ["arn:aws:s3:::lake", "arn:aws:s3:::lake/*"]
CATALOG = [
    "glue:GetDatabase",
    "glue:GetTable",
    "glue:GetTables",
    "glue:CreateTable",
    "glue:UpdateTable",
    "glue:DeleteTable",
]
SPARK_CONF = " --conf ".join(
    [
        "spark.sql.extensions=org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions",
        "spark.sql.catalog.glue_catalog=org.apache.iceberg.spark.SparkCatalog",
        "spark.sql.catalog.glue_catalog.catalog-impl=org.apache.iceberg.aws.glue.GlueCatalog",
        "spark.sql.catalog.glue_catalog.io-impl=org.apache.iceberg.aws.s3.S3FileIO",
        "spark.sql.catalog.glue_catalog.warehouse=s3://lake/warehouse",
        f"spark.sql.catalog.glue_catalog.client.region={REGION}",
        "spark.driver.extraJavaOptions=-XX:TieredStopAtLevel=1",
    ]
)

SCRIPT = """
import os
import sys

import boto3
import helper
from pyspark.sql import SparkSession

spark = SparkSession.builder.appName("tiny").getOrCreate()
print("caller", boto3.client("sts", region_name="eu-central-1").get_caller_identity()["Arn"].split("/")[1])
print("helper", helper.VERSION, spark.sparkContext.parallelize([1]).map(helper.next).first())
print("arguments", "--JOB_RUN_ID" in sys.argv, sys.argv[sys.argv.index("--name") + 1])
if "crash" in sys.argv:
    os._exit(9)
if "fail" in sys.argv:
    raise ValueError("nothing works")
spark.newSession().sql("SELECT 'spark' AS id, timestamp_ntz'2026-11-23 11:00:00' AS at, 1L AS n").writeTo(
    "glue_catalog.d.events"
).append()
spark.stop()
"""


def put_helper(stack: Stack, version: int) -> None:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("helper.py", f"VERSION = {version}\n\n\ndef next(n):\n    return n + VERSION\n")
    stack.client("s3").put_object(Bucket="lake", Key="scripts/helper.zip", Body=archive.getvalue())


@pytest.fixture(scope="module")
def job(stack: Stack) -> str:
    stack.client("s3").put_object(Bucket="lake", Key="scripts/tiny.py", Body=SCRIPT.encode())
    put_helper(stack, 1)
    role = stack.role("glue", "glue.amazonaws.com", (["s3:*"], LAKE), (CATALOG, ALL), (["logs:*"], ALL))
    create_job(stack, "tiny", role)
    return "tiny"


def create_job(stack: Stack, name: str, role: str) -> None:
    stack.client("glue").create_job(
        Name=name,
        Role=role,
        Command={"Name": "glueetl", "ScriptLocation": "s3://lake/scripts/tiny.py", "PythonVersion": "3"},
        DefaultArguments={"--conf": SPARK_CONF, "--extra-py-files": "s3://lake/scripts/helper.zip"},
        GlueVersion="5.0",
        WorkerType="G.1X",
        NumberOfWorkers=2,
        Timeout=5,
    )


def output_of(
    stack: Stack, run: dict[str, Any], kind: str = "output", prefix: str = "/aws-glue/jobs"
) -> list[str]:
    logs = stack.client("logs")
    found = logs.get_log_events(logGroupName=f"{prefix}/{kind}", logStreamName=run["Id"])
    return [event["message"] for event in found["events"]]


def test_a_glue_job_runs_its_own_script_with_its_own_role(stack: Stack, job: str) -> None:
    run = stack.glue_run(job, name="first")
    assert (run["JobRunState"], run.get("ErrorMessage", "")) == ("SUCCEEDED", "")
    assert output_of(stack, run) == ["caller glue", "helper 1 2", "arguments True first"]
    assert stack.query("SELECT n FROM events WHERE id = 'spark'").rows[1:] == [["1"]]


def test_a_glue_run_loads_the_library_anew_and_names_the_line_that_failed(stack: Stack, job: str) -> None:
    put_helper(stack, 2)
    run = stack.glue_run(job, name="fail")
    assert run["JobRunState"] == "FAILED"
    assert run["ErrorMessage"] == "ValueError: nothing works (line 16 of tiny.py)"
    assert output_of(stack, run)[1] == "helper 2 3"
    assert any("Traceback" in line for line in output_of(stack, run, "error"))


def test_a_glue_job_writes_its_log_below_the_prefix_that_it_names(stack: Stack, job: str) -> None:
    run = stack.glue_run(job, name="first", **{"custom-logGroup-prefix": "/aws-glue/jobs/tiny"})
    assert "arguments True first" in output_of(stack, run, prefix="/aws-glue/jobs/tiny")
    with pytest.raises(ClientError) as elsewhere:
        output_of(stack, run)
    assert elsewhere.value.response["Error"]["Code"] == "ResourceNotFoundException"


def test_a_glue_job_without_rights_is_denied(stack: Stack, job: str) -> None:
    role = stack.role("weak", "glue.amazonaws.com", (["s3:GetObject"], ["arn:aws:s3:::lake/scripts/*"]))
    create_job(stack, "weak", role)
    run = stack.glue_run("weak", name="x")
    assert run["JobRunState"] == "FAILED"
    assert "weak/GlueJobRunnerSession is not authorized to perform: glue:GetTable" in run["ErrorMessage"]


def test_a_second_run_is_refused_while_one_is_under_way(stack: Stack, job: str) -> None:
    glue = stack.client("glue")
    first = glue.start_job_run(JobName=job, Arguments={"--name": "x"})["JobRunId"]
    with pytest.raises(ClientError) as refused:
        glue.start_job_run(JobName=job, Arguments={"--name": "x"})
    assert refused.value.response["Error"]["Code"] == "ConcurrentRunsExceededException"
    wait_for(
        lambda: glue.get_job_run(JobName=job, RunId=first)["JobRun"]["JobRunState"] == "SUCCEEDED",
        "the first run",
    )


def test_step_functions_waits_for_the_run_and_catches_its_failure(stack: Stack, job: str) -> None:
    states = stack.client("stepfunctions")
    task = {
        "Type": "Task",
        "Resource": "arn:aws:states:::glue:startJobRun.sync",
        "Parameters": {"JobName": job, "Arguments": {"--name.$": "$.name"}},
        "Catch": [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.error", "Next": "Caught"}],
        "End": True,
    }
    definition = {"StartAt": "Run", "States": {"Run": task, "Caught": {"Type": "Pass", "End": True}}}
    arn = f"arn:aws:glue:{REGION}:{ACCOUNT}:job/{job}"
    role = stack.role("machine", "states.amazonaws.com")
    machine = states.create_state_machine(name="m", definition=json.dumps(definition), roleArn=role)[
        "stateMachineArn"
    ]

    def execute(name: str) -> dict[str, Any]:
        key = states.start_execution(stateMachineArn=machine, input=json.dumps({"name": name}))[
            "executionArn"
        ]
        ended = wait_for(
            lambda: (found := states.describe_execution(executionArn=key))["status"] != "RUNNING" and found,
            "its end",
        )
        output: dict[str, Any] = json.loads(ended["output"])
        return output

    assert execute("x")["error"]["Error"] == "Glue.AccessDeniedException"
    stack.allow("machine", (["glue:StartJobRun", "glue:GetJobRun"], [arn]))
    assert execute("x")["JobRunState"] == "SUCCEEDED"
    caught = execute("fail")["error"]
    assert caught["Error"] == "States.TaskFailed"
    assert json.loads(caught["Cause"])["ErrorMessage"].startswith("ValueError: nothing works")
    assert stack.post("faults", {"glue_starts_throttled": 1}) == 200
    throttled = execute("x")["error"]
    assert throttled["Error"] == "Glue.AWSGlueException"
    assert throttled["Cause"].startswith(
        "Rate exceeded (Service: AWSGlue; Status Code: 400; Error Code: ThrottlingException; Request ID: "
    )


def test_a_worker_that_dies_fails_its_run_and_is_replaced(stack: Stack, job: str) -> None:
    run = stack.glue_run(job, name="crash")
    assert run["JobRunState"] == "FAILED"
    assert "Spark's process ended" in run["ErrorMessage"]
    assert stack.query("SELECT 1").rows == [["_col0"], ["1"]]


def test_a_run_gets_the_java_options_of_its_job_and_a_jvm_of_its_own_when_asked(
    stack: Stack, job: str
) -> None:
    script = """
from pyspark.sql import SparkSession

java = SparkSession.builder.getOrCreate()._jvm.java.lang
print(java.System.getProperty("lean"))
print(java.ProcessHandle.current().pid())
"""
    stack.client("s3").put_object(Bucket="lake", Key="scripts/options.py", Body=script.encode())
    role = f"arn:aws:iam::{ACCOUNT}:role/glue"

    def run(options: str) -> list[str]:
        conf = SPARK_CONF.replace("-XX:TieredStopAtLevel=1", options) if options else SPARK_CONF
        glue = stack.client("glue")
        glue.create_job(
            Name="options",
            Role=role,
            Command={
                "Name": "glueetl",
                "ScriptLocation": "s3://lake/scripts/options.py",
                "PythonVersion": "3",
            },
            DefaultArguments={"--conf": conf},
            GlueVersion="5.0",
            WorkerType="G.1X",
            NumberOfWorkers=2,
        )
        try:
            return output_of(stack, stack.glue_run("options"))
        finally:
            glue.delete_job(JobName="options")

    plain = run("")
    with_options = run("-Dlean=ops")
    assert (plain[0], with_options[0]) == ("None", "ops")
    assert with_options[1] != plain[1]
    assert run("-Dlean=ops") == with_options, "runs with the same options share the warm JVM"
    assert stack.post("fresh-jvm", True) == 200
    try:
        # Without the option again, so that the tests that follow find the JVM as it was.
        assert run("")[1] not in (plain[1], with_options[1])
    finally:
        assert stack.post("fresh-jvm", False) == 200
