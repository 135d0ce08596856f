"""A local account for tests: starting and ending it, and the clients, roles and functions that tests need."""

import io
import json
import os
import signal
import socket
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

from emulator.settings import DEFAULT_REGION

ROOT = Path(__file__).parents[2]
ACCOUNT = "000000000000"
REGION = DEFAULT_REGION


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def spark_jars() -> str:
    """The jars that the set-up fetched, so that the tests need no network. Without them, Ivy fetches some."""
    known = ROOT / ".local" / "jars.json"
    jars = json.loads(known.read_text()) if known.is_file() else []
    return os.environ.get("LEAN_SPARK_JARS") or ",".join(jar for jar in jars if Path(jar).is_file())


def descendants(pid: int) -> set[int]:
    """The processes below `pid`."""
    listing = subprocess.run(
        ["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True
    ).stdout
    parents = {int(child): int(parent) for child, parent in (line.split() for line in listing.splitlines())}
    found = {pid}
    while more := {child for child, parent in parents.items() if parent in found} - found:
        found |= more
    return found - {pid}


def alive(pids: set[int]) -> set[int]:
    """The processes among `pids` that still run. A zombie that nobody has waited for yet does not."""
    listing = subprocess.run(
        ["ps", "-A", "-o", "pid=,stat="], capture_output=True, text=True, check=True
    ).stdout
    running = {int(line.split()[0]) for line in listing.splitlines() if not line.split()[1].startswith("Z")}
    return pids & running


def wait_for(condition: Callable[[], Any], what: str, seconds: float = 60) -> Any:
    """Waits until the condition is true, and returns its value. Fails the test when that takes too long."""
    deadline = time.time() + seconds
    while not (found := condition()):
        if time.time() > deadline:
            pytest.fail(f"{what} did not happen within {seconds:.0f} s")
        time.sleep(0.05)
    return found


class Stack:
    """A running emulator that ends with this process unless it is `detached`.

    `client` makes clients of its root user, or of the given keys.
    """

    def __init__(self, folder: Path, detached: bool = False) -> None:
        self.port = free_port()
        self.endpoint = f"http://127.0.0.1:{self.port}"
        self.log = folder / "emulator.log"
        environment = {
            **os.environ,
            "GATEWAY_PORT": str(self.port),
            "LEAN_LOCAL_DIR": str(folder),
            "LEAN_OWNER_PID": "" if detached else str(os.getpid()),
            "LEAN_SPARK_JARS": spark_jars(),
            "PYTHONPATH": str(ROOT / "scripts" / "local"),
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "emulator"],
                env=environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def create_bucket(self, name: str) -> None:
        location = {"LocationConstraint": REGION}
        self.client("s3").create_bucket(Bucket=name, CreateBucketConfiguration=location)

    def client(self, service: str, keys: dict[str, str] | None = None, region: str = REGION) -> Any:
        found = keys or {"AccessKeyId": "test", "SecretAccessKey": "test"}
        config = Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}, proxies={})
        return boto3.client(
            service,
            endpoint_url=self.endpoint,
            region_name=region,
            aws_access_key_id=found["AccessKeyId"],
            aws_secret_access_key=found["SecretAccessKey"],
            config=config,
        )

    def status(self) -> dict[str, Any]:
        import urllib.error
        import urllib.request

        try:
            with urllib.request.urlopen(f"{self.endpoint}/_lean_ops/status", timeout=5) as answer:
                found: dict[str, Any] = json.load(answer)
                return found
        except (urllib.error.URLError, ConnectionError):
            assert self.process.poll() is None, self.log.read_text()
            return {}

    def post(self, route: str, body: Any = None) -> int:
        """Posts to one of the stack's own routes. Returns the HTTP status."""
        import urllib.error
        import urllib.request

        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.endpoint}/_lean_ops/{route}", data, method="POST")
        try:
            with urllib.request.urlopen(request, timeout=120) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as refused:
            return refused.code

    def faults(self) -> dict[str, Any]:
        import urllib.request

        with urllib.request.urlopen(f"{self.endpoint}/_lean_ops/faults", timeout=5) as answer:
            found: dict[str, Any] = json.load(answer)
            return found

    def end(self, how: signal.Signals) -> set[int]:
        """Sends the signal and waits. Returns the processes of the stack that are still there."""
        below = descendants(self.process.pid)
        self.process.send_signal(how)
        self.process.wait(20)
        deadline = time.time() + 15
        while (left := alive(below)) and time.time() < deadline:
            time.sleep(0.1)
        return left

    def role(self, name: str, service: str, *statements: tuple[list[str], list[str]]) -> str:
        """Creates a role that `service` may assume. `statements` are pairs of actions and resources."""
        iam = self.client("iam")
        principal = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
        trust = {"Version": "2012-10-17", "Statement": [principal]}
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))
        if statements:
            self.allow(name, *statements)
        return f"arn:aws:iam::{ACCOUNT}:role/{name}"

    def allow(self, name: str, *statements: tuple[list[str], list[str]]) -> None:
        rules = [
            {"Effect": "Allow", "Action": actions, "Resource": resources} for actions, resources in statements
        ]
        policy = {"Version": "2012-10-17", "Statement": rules}
        self.client("iam").put_role_policy(
            RoleName=name, PolicyName="rights", PolicyDocument=json.dumps(policy)
        )

    def function(self, name: str, role: str, source: str, timeout: int = 30) -> str:
        """Creates a Node function from the text of its index.js. Returns its ARN."""
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as file:
            file.writestr("index.js", source)
        client = self.client("lambda")
        created = client.create_function(
            FunctionName=name,
            Runtime="nodejs22.x",
            Architectures=["arm64"],
            Role=role,
            Handler="index.handler",
            Code={"ZipFile": archive.getvalue()},
            Timeout=timeout,
        )
        client.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1})
        return str(created["FunctionArn"])

    def query(self, sql: str, keys: dict[str, str] | None = None, database: str = "d") -> "Query":
        athena = self.client("athena", keys)
        key = athena.start_query_execution(
            QueryString=sql, WorkGroup="wg", QueryExecutionContext={"Database": database}
        )["QueryExecutionId"]
        ended = ("SUCCEEDED", "FAILED", "CANCELLED")

        def execution() -> Any:
            found = athena.get_query_execution(QueryExecutionId=key)["QueryExecution"]
            return found if found["Status"]["State"] in ended else None

        found = wait_for(execution, sql[:60])
        if found["Status"]["State"] != "SUCCEEDED":
            return Query(found, [])
        rows = athena.get_query_results(QueryExecutionId=key)["ResultSet"]["Rows"]
        return Query(found, [[cell.get("VarCharValue") for cell in row["Data"]] for row in rows])

    def glue_run(self, job: str, **arguments: str) -> dict[str, Any]:
        glue = self.client("glue")
        key = glue.start_job_run(JobName=job, Arguments={f"--{k}": v for k, v in arguments.items()})[
            "JobRunId"
        ]

        def run() -> Any:
            found = glue.get_job_run(JobName=job, RunId=key)["JobRun"]
            return found if found["JobRunState"] not in ("STARTING", "RUNNING") else None

        # It may have to wait for a JVM that starts anew.
        found: dict[str, Any] = wait_for(run, f"the end of {job}", 180)
        return found


class Query:
    """An Athena query that has ended. The first of the rows of DML has the names of the columns."""

    def __init__(self, execution: dict[str, Any], rows: list[list[str | None]]) -> None:
        self.execution = execution
        self.rows = rows
        self.state = execution["Status"]["State"]
        self.reason = execution["Status"].get("StateChangeReason", "")


def start_stack(folder: Path) -> Stack:
    """Starts an account and waits until Spark is ready."""
    stack = Stack(folder)
    wait_for(lambda: stack.status().get("spark") in ("ready", "failed"), "the start of Spark", 120)
    assert stack.status()["spark"] == "ready", stack.log.read_text()
    return stack
