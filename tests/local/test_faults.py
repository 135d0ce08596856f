"""Injected faults are those of AWS on a bad day, and the counts say which were injected."""

import json
import threading
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st
from local_stack import ACCOUNT, REGION, Stack, wait_for

from emulator.fault_injection import inject
from emulator.fault_injection.inject import FaultInjector
from emulator.fault_injection.plan import FaultPlan, FaultPlanError, read_plan
from emulator.responses import Response, answer

# A first delivery takes longer than the test waits, unless its worker is killed. The next ends at once.
HANDLER = """
exports.handler = async (event) => {
  const counts = event.Records.map((record) => Number(record.attributes.ApproximateReceiveCount));
  if (Math.max(...counts) === 1) await new Promise((resolve) => setTimeout(resolve, 20000));
  return { batchItemFailures: [] };
};
"""


class Stream:
    """Stands for PutRecordBatch, takes every record, and remembers it."""

    def __init__(self) -> None:
        self.taken: list[str] = []

    def put(self, data: dict[str, Any]) -> tuple[int, dict[str, str], bytes]:
        records = [record["Data"] for record in data["Records"]]
        self.taken += records
        answers = [{"RecordId": f"id-{record}"} for record in records]
        return 200, {}, json.dumps({"FailedPutCount": 0, "RequestResponses": answers}).encode()


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inject, "LATE_SECONDS", 0)


@given(st.integers(), st.integers(1, 30), st.sampled_from([0.05, 0.5, 1.0]))
def test_an_answer_says_of_each_record_whether_it_was_taken(seed: int, size: int, rate: float) -> None:
    faults, stream = FaultInjector(), Stream()
    faults.configure(FaultPlan(firehose_put=rate, seed=seed))
    for call in range(10):
        records = [f"{call}-{n}" for n in range(size)]
        before = len(stream.taken)
        status, _, body = faults.put(stream.put, {"Records": [{"Data": record} for record in records]})
        taken = stream.taken[before:]
        if status == 503:
            assert taken == []
        elif status == 500:
            assert taken == records
        else:
            answer = json.loads(body)
            answers = dict(zip(records, answer["RequestResponses"], strict=True))
            assert taken == [record for record in records if "RecordId" in answers[record]]
            assert all(answers[record]["RecordId"] == f"id-{record}" for record in taken)
            refused = [given for given in answers.values() if "RecordId" not in given]
            assert answer["FailedPutCount"] == len(refused)
            assert {given["ErrorCode"] for given in refused} <= {
                "ServiceUnavailableException",
                "InternalFailure",
            }


def test_about_as_much_fails_as_the_plan_says_in_every_way() -> None:
    faults, stream = FaultInjector(), Stream()
    faults.configure(FaultPlan(firehose_put=0.05, seed=42))
    for _ in range(2000):
        faults.put(stream.put, {"Records": [{"Data": "x"}] * 10})
    counts = faults.status()["injected"]
    calls = sum(counts[name] for name in inject._CALL_FAULTS)
    assert 60 < calls < 140
    assert 700 < counts["firehose_record_refused"] < 1200
    assert min(counts[name] for name in inject._CALL_FAULTS) > 0
    unanswered = counts["firehose_call_failed_after_taking"] + counts["firehose_call_late"]
    assert counts["firehose_records_taken_unanswered"] == 10 * unanswered
    assert counts["firehose_records_in_refused_calls"] == 10 * counts["firehose_call_refused"]


def test_the_same_seed_gives_the_same_faults() -> None:
    def answers(seed: int) -> list[tuple[int, bytes]]:
        faults, stream = FaultInjector(), Stream()
        faults.configure(FaultPlan(firehose_put=0.3, seed=seed))
        found = [faults.put(stream.put, {"Records": [{"Data": "x"}] * 5}) for _ in range(50)]
        return [(status, body) for status, _, body in found]

    assert answers(1) == answers(1)
    assert answers(1) != answers(2)


def test_a_stream_takes_no_more_in_a_second_than_its_quota(monkeypatch: pytest.MonkeyPatch) -> None:
    faults, stream = FaultInjector(), Stream()
    faults.configure(read_plan({"firehose_bytes_per_s": 100}))
    monkeypatch.setattr(inject.time, "time", lambda: 7.5)
    # 40 characters of base64 are 30 bytes.
    records = [{"Data": str(n) * 40} for n in range(5)]
    _, _, body = faults.put(stream.put, {"Records": records})
    answers = json.loads(body)["RequestResponses"]
    assert ["RecordId" in answer for answer in answers] == [True, True, True, False, False]
    assert {answer.get("ErrorCode") for answer in answers[3:]} == {"ServiceUnavailableException"}
    assert '"RecordId"' not in faults.put(stream.put, {"Records": records[:1]})[2].decode()
    monkeypatch.setattr(inject.time, "time", lambda: 8.0)
    faults.put(stream.put, {"Records": records[3:]})
    assert stream.taken == [record["Data"] for record in records]
    assert faults.status()["injected"]["firehose_record_throttled"] == 3
    faults.configure(read_plan({"firehose_bytes_per_s": 0}))
    faults.put(stream.put, {"Records": records})
    assert len(stream.taken) == 5


def test_nothing_fails_without_a_plan() -> None:
    faults, stream = FaultInjector(), Stream()
    faults.configure(FaultPlan(firehose_put=1.0, seed=1))
    faults.configure(read_plan({}))
    for _ in range(100):
        assert faults.put(stream.put, {"Records": [{"Data": "x"}]})[0] == 200
    assert faults.status() == {"set": {}, "injected": {}}


@pytest.mark.parametrize(
    ("body", "names"),
    [
        ([], "JSON object"),
        ({"firehose": 0.05}, "'firehose'"),
        ({"firehose_put": 5}, "firehose_put"),
        ({"firehose_put": "0.05"}, "firehose_put"),
        ({"firehose_bytes_per_s": -1}, "firehose_bytes_per_s"),
        ({"firehose_bytes_per_s": 0.5}, "firehose_bytes_per_s"),
        ({"seed": 1.5}, "seed"),
        ({"lambda_kill_on": {"function": "f"}}, "lambda_kill_on"),
        ({"lambda_kill_on": {"function": "f", "text": ""}}, "lambda_kill_on"),
        ({"glue_catalog": -0.1}, "glue_catalog"),
        ({"glue_starts_throttled": 0.5}, "glue_starts_throttled"),
        ({"glue_commit_held": ""}, "glue_commit_held"),
        ({"deny": {"role": "r"}}, "deny"),
        ({"deny": {"role": "", "seconds": 5}}, "role"),
        ({"deny": {"role": "r", "seconds": 0}}, "seconds"),
        ({"lambda_kill": {"function": "f"}}, "lambda_kill"),
        ({"lambda_kill": {"function": "f", "every_s": [1, 2], "time": 1}}, "lambda_kill"),
        ({"lambda_kill": {"function": "f", "every_s": [1, 2], "times": 0}}, "times"),
        ({"lambda_kill": {"function": "", "every_s": [1, 2]}}, "function"),
        ({"lambda_kill": {"function": "f", "every_s": [2, 1]}}, "every_s"),
        ({"lambda_kill": {"function": "f", "every_s": [0, 1]}}, "every_s"),
    ],
)
def test_a_fault_that_is_misspelt_is_refused(body: Any, names: str) -> None:
    with pytest.raises(FaultPlanError, match=names):
        read_plan(body)


@pytest.fixture
def faulty(stack: Stack) -> Iterator[Stack]:
    yield stack
    assert stack.post("faults", {}) == 200


def test_the_route_takes_shows_and_refuses_a_plan(faulty: Stack) -> None:
    assert faulty.post("faults", {"firehose_put": 0.05, "seed": 7}) == 200
    assert faulty.post("faults", {"firehose_putt": 1}) == 400
    assert faulty.faults()["set"] == {"firehose_put": 0.05, "seed": 7}
    assert faulty.post("faults", {}) == 200
    assert faulty.faults()["set"] == {}


def test_a_killed_worker_fails_its_batch_and_a_fresh_one_takes_it(faulty: Stack) -> None:
    sqs, functions = faulty.client("sqs"), faulty.client("lambda")
    queue = sqs.create_queue(QueueName="risky", Attributes={"VisibilityTimeout": "1"})["QueueUrl"]
    arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:risky"
    actions = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"]
    faulty.function("risky", faulty.role("risky", "lambda.amazonaws.com", (actions, [arn])), HANDLER)
    killed_before = faulty.faults()["injected"].get("lambda_killed", 0)
    mapping = functions.create_event_source_mapping(
        FunctionName="risky",
        EventSourceArn=arn,
        BatchSize=10,
        FunctionResponseTypes=["ReportBatchItemFailures"],
        ScalingConfig={"MaximumConcurrency": 2},
    )

    def depth() -> int:
        found = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["All"])["Attributes"]
        return int(found["ApproximateNumberOfMessages"]) + int(found["ApproximateNumberOfMessagesNotVisible"])

    def killed() -> int:
        return int(faulty.faults()["injected"].get("lambda_killed", 0)) - killed_before

    kill = {"function": "risky", "every_s": [0.1, 0.2], "times": 1}
    assert faulty.post("faults", {"lambda_kill": kill}) == 200
    assert killed() == 0, "killed a worker when none was busy"
    sqs.send_message(QueueUrl=queue, MessageBody="survives")
    wait_for(lambda: depth() == 0, "the second delivery", 15)
    assert killed() == 1
    logs = faulty.client("logs").filter_log_events(logGroupName="/aws/lambda/risky")["events"]
    assert any("Worker process died" in event["message"] for event in logs)
    # Other tests of this account look at the mapping that they find.
    functions.delete_event_source_mapping(UUID=mapping["UUID"])


def test_calls_of_the_catalog_are_refused_at_the_rate_of_the_plan(faulty: Stack) -> None:
    glue = faulty.client("glue")
    assert faulty.post("faults", {"glue_catalog": 1}) == 200
    with pytest.raises(ClientError) as refused:
        glue.get_table(DatabaseName="d", Name="events")
    assert refused.value.response["Error"]["Code"] == "ThrottlingException"
    assert faulty.post("faults", {}) == 200
    assert glue.get_table(DatabaseName="d", Name="events")["Table"]["Name"] == "events"


def test_a_commit_sleeps_until_another_plan_is_set_and_commits_of_others_do_not() -> None:
    faults = FaultInjector()
    done: list[str] = []

    def update(data: dict[str, Any]) -> Response:
        done.append(data["VersionId"])
        return answer({})

    commit = faults.holding(update)
    request = {"TableInput": {"Name": "t"}, "VersionId": "1"}
    faults.configure(read_plan({"glue_commit_held": "t"}))
    # Its client sends it again, as the answer is late.
    asleep = [threading.Thread(target=commit, args=(dict(request),), daemon=True) for _ in range(2)]
    for thread in asleep:
        thread.start()
    wait_for(faults.holds_a_commit, "the commit sleeps")
    commit({"TableInput": {"Name": "other"}, "VersionId": "2"})
    commit({**request, "VersionId": "3"})
    assert done == ["2", "3"]
    faults.configure(read_plan({}))
    for thread in asleep:
        thread.join(10)
    assert done == ["2", "3", "1", "1"]
    assert faults.status()["injected"] == {"glue_commit_held": 1}
    assert not faults.holds_a_commit()


def test_a_role_is_denied_everything_for_as_long_as_the_plan_says_and_nobody_else_is(faulty: Stack) -> None:
    sts = faulty.client("sts")
    clients = {}
    for name in ("late", "early"):
        arn = faulty.role(name, "lambda.amazonaws.com", (["glue:GetTable"], ["*"]))
        keys = sts.assume_role(RoleArn=arn, RoleSessionName="session")["Credentials"]
        clients[name] = boto3.client(
            "glue",
            endpoint_url=faulty.endpoint,
            region_name=REGION,
            aws_access_key_id=keys["AccessKeyId"],
            aws_secret_access_key=keys["SecretAccessKey"],
            aws_session_token=keys["SessionToken"],
            config=Config(retries={"total_max_attempts": 1}),
        )

    def code(name: str) -> str:
        try:
            clients[name].get_table(DatabaseName="d", Name="events")
        except ClientError as refused:
            return str(refused.response["Error"]["Code"])
        return ""

    assert faulty.post("faults", {"deny": {"role": "late", "seconds": 2}}) == 200
    assert (code("late"), code("early")) == ("AccessDeniedException", "")
    wait_for(lambda: code("late") == "", "the end of the denial", 10)
