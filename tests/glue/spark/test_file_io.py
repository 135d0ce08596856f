"""How tasks reach the files of tables in S3: in which region, and with whose keys."""

import os
import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlparse

import pytest
from pyarrow.fs import S3FileSystem

from lean_ops.errors import reason
from lean_ops.ports import aws
from lean_ops.spark import file_io
from lean_ops.spark.file_io import FileStore, NoRegionError
from lean_ops.spark.session import file_store_of, region_of

CATALOG = "spark.sql.catalog.glue_catalog"
REGION = "eu-central-1"
PATH = "lake/warehouse/a.parquet"
ASSUMED = """<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult>
<AssumedRoleUser><Arn>arn:aws:sts::123456789012:assumed-role/job/run</Arn><AssumedRoleId>A:run</AssumedRoleId>
</AssumedRoleUser><Credentials><AccessKeyId>KEY{number}</AccessKeyId><SecretAccessKey>s</SecretAccessKey>
<SessionToken>token{number}</SessionToken><Expiration>{expiry}</Expiration></Credentials>
</AssumeRoleResult></AssumeRoleResponse>"""
CONFIG = """[default]
role_arn = arn:aws:iam::123456789012:role/job
source_profile = machine
[profile machine]
aws_access_key_id = MACHINE
aws_secret_access_key = s
"""


class Machine(ThreadingHTTPServer):
    """All that an executor can reach: S3, which has one file, and STS, which gives other keys each time.

    signed: for each request to S3 the access key and the region that signed it, or None. lifetime: how long
    keys are good.
    """

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Answer)
        self.signed, self.given, self.lifetime = [], 0, timedelta(hours=6)
        self.url = f"http://127.0.0.1:{self.server_port}"


class Answer(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        signature = re.search(r"Credential=([^/]+)/\d+/([^/]+)/s3/", self.headers.get("authorization", ""))
        self.server.signed.append(signature.groups() if signature else None)
        self.respond(b"content")

    do_HEAD = do_GET

    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        self.server.given += 1
        expiry = (datetime.now(UTC) + self.server.lifetime).strftime("%Y-%m-%dT%H:%M:%SZ")
        self.respond(ASSUMED.format(number=self.server.given, expiry=expiry).encode())

    def respond(self, body):
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def machine(monkeypatch, tmp_path):
    """An executor that has neither keys nor a region in its environment: a profile leads to them."""
    server = Machine()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    config = tmp_path / "config"
    config.write_text(CONFIG)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", server.url)
    for proxy in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(proxy, "127.0.0.1")
    aws._credentials_by_region.clear()
    file_io._s3.cache_clear()
    try:
        yield server
    finally:
        aws._credentials_by_region.clear()
        file_io._s3.cache_clear()
        server.shutdown()
        thread.join()
        server.server_close()


def read(store):
    with store.open(f"s3://{PATH}").open_input_file(PATH) as opened:
        return opened.read()


def test_arrow_alone_does_not_find_the_keys_and_asks_without_a_signature(machine):
    host = urlparse(machine.url).netloc
    with S3FileSystem(region=REGION, endpoint_override=host, scheme="http").open_input_file(PATH) as opened:
        opened.read()
    assert set(machine.signed) == {None}


def test_tasks_have_the_keys_that_boto3_finds_and_the_region_of_the_catalog(machine):
    assert read(FileStore(region=REGION, endpoint=machine.url)) == b"content"
    assert set(machine.signed) == {("KEY1", REGION)}


def test_keys_that_last_are_asked_for_once(machine):
    store = FileStore(region=REGION, endpoint=machine.url)
    assert store.open(f"s3://{PATH}") is store.open("s3://lake/another")
    assert machine.given == 1


def test_keys_that_are_about_to_expire_are_replaced_before_the_next_file(machine):
    machine.lifetime = timedelta(minutes=5)
    store = FileStore(region=REGION, endpoint=machine.url)
    read(store)
    first = set(machine.signed)
    machine.lifetime = timedelta(hours=6)
    machine.signed.clear()
    read(store)
    second = set(machine.signed)
    read(store)
    assert first.isdisjoint(second)
    assert set(machine.signed) == second, "new keys are kept as long as they last"


def test_where_boto3_finds_no_keys_arrow_looks_itself(machine, monkeypatch, tmp_path):
    config = tmp_path / "config"
    config.write_text("")
    assert read(FileStore(region=REGION, endpoint=machine.url)) == b"content"
    assert (machine.given, set(machine.signed)) == (0, {None})


def test_keys_that_could_not_be_found_once_are_found_later(machine, tmp_path):
    """boto3 asks a machine's metadata once, with a second's time, while all workers ask."""
    config = tmp_path / "config"
    config.write_text("")
    store = FileStore(region=REGION, endpoint=machine.url)
    read(store)
    config.write_text(CONFIG)
    machine.signed.clear()
    read(store)
    assert set(machine.signed) == {("KEY1", REGION)}


def test_threads_that_begin_together_get_one_file_system_with_keys_that_were_asked_for_once(
    machine, monkeypatch
):
    together = threading.Barrier(8)
    made = []

    class Slow(S3FileSystem):
        def __init__(self, **options):
            made.append(self)
            time.sleep(0.05)
            super().__init__(**options)

    monkeypatch.setattr(file_io, "S3FileSystem", Slow)
    store = FileStore(region=REGION, endpoint=machine.url)

    def opened(_):
        together.wait(timeout=30)
        return store.open(f"s3://{PATH}")

    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(opened, range(8)))
    assert all(one is found[0] for one in found)
    assert (len(made), machine.given) == (1, 1)


def test_without_a_region_files_in_s3_are_refused_and_local_ones_are_not(tmp_path):
    with pytest.raises(NoRegionError, match=r"client\.region"):
        FileStore().open(f"s3://{PATH}")
    assert FileStore().open(str(tmp_path))


def test_the_driver_says_at_once_that_the_catalog_has_no_region(job_session):
    settings = {f"{CATALOG}.io-impl": "org.apache.iceberg.aws.s3.S3FileIO"}
    session = job_session.newSession()
    for name, value in settings.items():
        session.conf.set(name, value)
    for wanted in (file_store_of, region_of):
        with pytest.raises(NoRegionError) as refused:
            wanted(session)
        assert reason(refused.value).startswith(
            "NoRegionError: the catalog has no client.region: set spark.sql"
        )
    session.conf.set(f"{CATALOG}.client.region", REGION)
    assert file_store_of(session) == FileStore(region=REGION)
    assert region_of(session) == REGION


def test_clients_are_of_the_region_that_the_job_names(machine, monkeypatch):
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setattr(aws.boto3, "DEFAULT_SESSION", None)
    aws.use_region(REGION)
    assert aws.DynamoCheckpoints("points")._client.meta.region_name == REGION
    assert aws.LambdaProvisioner("f")._client.meta.region_name == REGION
