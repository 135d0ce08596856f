"""`lean-ops errors` groups the rows of errors and parse_errors in Athena, by fingerprints that TypeScript
makes, too: both must make the same of the same rows, and the states must follow from what became of the rows.

The SQL is Athena's and runs here as on the local stack. It is made by
packages/common/src/core/recorded-errors.
"""

import json
import subprocess
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession
from spark_tests import as_athena

from emulator.athena.sql import plan

ROOT = Path(__file__).parents[3]
PREFIX = "recorded"
JUDGED = "judged"
NOW = datetime(2026, 11, 23, 12)
LATELY = {"open", "regressed", "rebuilt", "undone", "rejudged"}
VECTORS = json.loads((ROOT / "tests/conformance/fingerprints.json").read_text())

_ERRORS = (
    "error_id string, topic_name string, message_id string, idempotency_key string, disposition string, "
    "violations string, record string, schema_version int, cycle_id string, detected_at timestamp_ntz, "
    "resolved_at timestamp_ntz, resolution string"
)
_PARSE_ERRORS = (
    "error_id string, topic_name string, message_id string, error_code string, error_message string, "
    "payload string, received_at timestamp_ntz, cycle_id string, detected_at timestamp_ntz, "
    "resolved_at timestamp_ntz, resolution string"
)


def hours_ago(hours: float) -> datetime:
    return NOW - timedelta(hours=hours)


def an_error(error_id: str, topic: str, rule: str = "maximum", **changes: Any) -> dict[str, Any]:
    violations = [{"column": "t", "rule": rule, "value": "SECRET", "message": f"breaks {rule}"}]
    row = {
        "error_id": error_id,
        "topic_name": topic,
        "message_id": f"m-{error_id}",
        "idempotency_key": f"k-{error_id}",
        "disposition": "rejected",
        "violations": json.dumps(violations),
        "record": '{"t":"SECRET"}',
        "schema_version": 1,
        "cycle_id": "c1",
        "detected_at": hours_ago(30),
        "resolved_at": None,
        "resolution": None,
    }
    return row | changes


def a_parse_error(error_id: str, topic: str, code: str = "INVALID_JSON", **changes: Any) -> dict[str, Any]:
    row = {
        "error_id": error_id,
        "topic_name": topic,
        "message_id": f"m-{error_id}",
        "error_code": code,
        "error_message": "line 1, column 2: no value",
        "payload": "{SECRET",
        "received_at": hours_ago(31),
        "cycle_id": "c1",
        "detected_at": hours_ago(30),
        "resolved_at": None,
        "resolution": None,
    }
    return row | changes


def closed(at: datetime, resolution: str = "REBUILT:op-1") -> dict[str, Any]:
    return {"resolved_at": at, "resolution": resolution}


def the_errors() -> list[dict[str, Any]]:
    vectors = [
        an_error(f"v{n}", one["topic"], violations=one["violations"])
        for n, one in enumerate(VECTORS["errors"])
    ]
    old, new = hours_ago(60), hours_ago(1)
    return [
        *vectors,
        # Two records in three messages; one message lost its value only.
        an_error("o1", "open", idempotency_key="k"),
        an_error("o2", "open", idempotency_key="k", detected_at=new),
        an_error("o3", "open", disposition="nulled", detected_at=hours_ago(2)),
        an_error("r1", "resolved", detected_at=old, **closed(hours_ago(50))),
        # It was mended, and came again.
        an_error("g1", "regressed", detected_at=old, **closed(hours_ago(50))),
        an_error("g2", "regressed", detected_at=new),
        # A rebuild under version 2 found the same again, and closed the rows of version 1.
        an_error("b1", "rebuilt", detected_at=old, **closed(hours_ago(3))),
        an_error("b1", "rebuilt", schema_version=2, detected_at=hours_ago(4)),
        an_error("b2", "rebuilt", schema_version=2, detected_at=new),
        # What the undo of a rebuild has closed was not mended.
        an_error("u1", "undone", schema_version=2, detected_at=old, **closed(hours_ago(50), "UNDONE:op-1")),
        an_error("u2", "undone", detected_at=new),
        # A later version validated the same message again, and found another fault.
        an_error("w1", "again", detected_at=old, message_id="m", idempotency_key="k"),
        an_error("w2", "again", "type", schema_version=2, message_id="m", idempotency_key="k"),
        # The version that an undo has taken back does not count as later.
        an_error("x1", "back", message_id="m", idempotency_key="k"),
        an_error(
            "x2",
            "back",
            "type",
            schema_version=2,
            message_id="m",
            idempotency_key="k",
            **closed(hours_ago(5), "UNDONE:op-1"),
        ),
        # A replay brought one of two messages into the table; the other fails by version 2, too.
        an_error("y1", "replayed", detected_at=old, **closed(hours_ago(3), "REPLAYED:op-2")),
        an_error("y2", "replayed", detected_at=old, **closed(hours_ago(3), "REJUDGED:op-2")),
        an_error("y2", "replayed", schema_version=2, detected_at=hours_ago(4)),
        # What a replay has judged again was not mended.
        an_error("j1", "rejudged", detected_at=old, **closed(hours_ago(50), "REJUDGED:op-2")),
        an_error("j2", "rejudged", detected_at=new),
        # A rewind behind a replay has opened the row again.
        an_error("z1", "reopened", detected_at=old, resolution="REOPENED:REPLAYED:op-2"),
    ]


def the_parse_errors() -> list[dict[str, Any]]:
    vectors = [
        a_parse_error(f"p{n}", one["topic"], one["error_code"])
        for n, one in enumerate(VECTORS["parse_errors"])
    ]
    return [
        *vectors,
        a_parse_error("q1", "regressed", detected_at=hours_ago(60), resolved_at=hours_ago(50)),
        a_parse_error("q2", "regressed", detected_at=hours_ago(1)),
        a_parse_error("q3", "resolved", resolved_at=hours_ago(2)),
        a_parse_error("q4", "replayed", **closed(hours_ago(2), "REPLAYED:op-2")),
        a_parse_error("q5", "reopened", resolution="REOPENED:REPLAYED:op-2"),
    ]


def _typescript(requests: Sequence[dict[str, Any]]) -> list[Any]:
    command = ["node", "--import", "tsx", "tests/glue/support/error_statements.ts"]
    text = json.dumps([{"prefix": PREFIX, **one} for one in requests])
    ran = subprocess.run(command, input=text, capture_output=True, text=True, cwd=ROOT)
    assert ran.returncode == 0, ran.stderr
    found: list[Any] = json.loads(ran.stdout)
    return found


def _asked(session: SparkSession, requests: Sequence[dict[str, Any]]) -> list[Any]:
    """What the command reads in Athena's answers to its own statements."""
    answers = []
    with as_athena(session):
        for sql in _typescript(requests):
            rows = session.sql(plan(sql, f"{PREFIX}_ops").sql).collect()
            answers.append([[None if value is None else str(value) for value in row] for row in rows])
    return _typescript([{**one, "answer": answer} for one, answer in zip(requests, answers, strict=True)])


def _top(**options: Any) -> dict[str, Any]:
    return {"top": {"state": "all", "limit": 100, "now": NOW.isoformat() + "Z"} | options}


def _write(
    session: SparkSession, prefix: str, errors: list[dict[str, Any]], parse_errors: list[dict[str, Any]]
) -> None:
    session.sql(f"CREATE NAMESPACE IF NOT EXISTS glue_catalog.{prefix}_ops")
    for table, rows, schema in (
        ("errors", errors, _ERRORS),
        ("parse_errors", parse_errors, _PARSE_ERRORS),
    ):
        names = [one.split()[0] for one in schema.split(", ")]
        frame = session.createDataFrame([tuple(row[name] for name in names) for row in rows], schema)
        frame.coalesce(1).writeTo(f"glue_catalog.{prefix}_ops.{table}").createOrReplace()


@pytest.fixture(scope="module")
def session(job_session: SparkSession) -> SparkSession:
    _write(job_session, PREFIX, the_errors(), the_parse_errors())
    return job_session


def test_groups_have_the_fingerprints_of_the_vectors_and_the_states_of_their_rows(session):
    everything, still_open, lately, one = _asked(
        session,
        [
            _top(),
            _top(state="open", limit=1),
            _top(since=hours_ago(2).isoformat() + "Z"),
            _top(topic="open", fingerprint="E1-0000000000"),
        ],
    )
    groups = {one["fingerprint"]: one for one in everything["groups"]}
    for vector in VECTORS["errors"]:
        group = groups[vector["fingerprint"]]
        assert (group["topic"], group["signature"]) == (vector["topic"], vector["signature"]), vector["label"]
    for vector in VECTORS["parse_errors"]:
        group = groups[vector["fingerprint"]]
        assert (group["topic"], group["signature"]) == (vector["topic"], vector["error_code"])
    assert everything["fingerprints"] == len(groups)

    found = {(one["topic"], one["signature"]): one for one in groups.values() if one["topic"].isalpha()}
    assert {key: one["state"] for key, one in found.items()} == {
        ("open", "t maximum"): "open",
        ("resolved", "t maximum"): "resolved",
        ("regressed", "t maximum"): "regressed",
        ("rebuilt", "t maximum"): "open",
        ("undone", "t maximum"): "open",
        ("again", "t maximum"): "resolved",
        ("again", "t type"): "open",
        ("back", "t maximum"): "open",
        ("back", "t type"): "resolved",
        ("replayed", "t maximum"): "open",
        ("rejudged", "t maximum"): "open",
        ("reopened", "t maximum"): "open",
        ("replayed", "INVALID_JSON"): "resolved",
        ("reopened", "INVALID_JSON"): "open",
        ("regressed", "INVALID_JSON"): "regressed",
        ("resolved", "INVALID_JSON"): "resolved",
    }
    counts = ("rows", "lost", "keys", "resolved", "lastDay", "dayBefore")
    assert [found["open", "t maximum"][name] for name in counts] == [3, 2, 2, 0, 2, 1]
    assert [found["rebuilt", "t maximum"][name] for name in counts] == [2, 2, 2, 1, 2, 0]
    assert [found["resolved", "INVALID_JSON"][name] for name in counts] == [0, 0, 1, 1, 0, 1]
    assert found["again", "t maximum"]["outcomes"] == ["REVALIDATED"]
    assert found["back", "t type"]["outcomes"] == ["UNDONE:op-1"]
    assert found["replayed", "t maximum"]["outcomes"] == ["REJUDGED:op-2", "REPLAYED:op-2"]
    assert found["replayed", "INVALID_JSON"]["outcomes"] == ["REPLAYED:op-2"]
    since = datetime(1970, 1, 1)
    first, last = (found["open", "t maximum"][name] for name in ("firstSeen", "lastSeen"))
    assert [since + timedelta(milliseconds=at) for at in (first, last)] == [hours_ago(30), hours_ago(1)]

    assert [one["topic"] for one in still_open["groups"]] == ["open"]
    is_open = [one for one in groups.values() if one["state"] != "resolved"]
    assert still_open["fingerprints"] == len(is_open)
    assert still_open["rows"] == sum(one["rows"] for one in is_open)
    assert still_open["topics"] == len({one["topic"] for one in is_open})
    assert {one["topic"] for one in lately["groups"]} == LATELY
    assert one == {"groups": [], "fingerprints": 0, "rows": 0, "topics": 0, "hidden": 0}


def test_what_is_ignored_is_left_out_and_counted(session):
    groups = {one["topic"]: one for one in _asked(session, [_top(topic="open")])[0]["groups"]}
    ids = [groups["open"]["fingerprint"]]
    gone = {"topic": "open", "ignored": ids}
    still_open, ignored, none, everything, old = _asked(
        session,
        [
            _top(state="open", ignored=ids, limit=2),
            _top(state="ignored", ignored=ids),
            _top(state="open", **gone),
            _top(**gone),
            _top(state="open", **gone, since=hours_ago(0.5).isoformat() + "Z"),
        ],
    )
    before = _asked(session, [_top(state="open")])[0]
    assert still_open["hidden"] == 1
    assert still_open["fingerprints"] == before["fingerprints"] - 1
    assert still_open["rows"] == before["rows"] - 3
    assert still_open["topics"] == before["topics"] - 1
    assert "open" not in [one["topic"] for one in still_open["groups"]]
    assert [(one["topic"], one["state"], one["rows"]) for one in ignored["groups"]] == [
        ("open", "ignored", 3)
    ]
    assert none == {"groups": [], "fingerprints": 0, "rows": 0, "topics": 0, "hidden": 1}
    assert [(one["state"], everything["hidden"]) for one in everything["groups"]] == [("ignored", 0)]
    assert old["hidden"] == 0


def test_the_dashboard_counts_what_is_open_by_age(session):
    top = _asked(session, [_top(state="open")])[0]
    ids = [one["fingerprint"] for one in top["groups"] if one["topic"] == "open"]
    now = NOW.isoformat() + "Z"
    later = (NOW + timedelta(days=5)).isoformat() + "Z"
    everything, less, old = _asked(
        session,
        [
            {"ages": {"ignored": [], "now": now}},
            {"ages": {"ignored": ids, "now": now}},
            {"ages": {"ignored": [], "now": later}},
        ],
    )
    regressed = sum(one["state"] == "regressed" for one in top["groups"])
    assert everything["day"] + everything["week"] == top["rows"]
    assert (everything["older"], everything["regressed"]) == (0, regressed)
    assert less == everything | {"day": everything["day"] - 2, "week": everything["week"] - 1}
    assert (old["day"], old["week"] + old["older"]) == (0, top["rows"])
    assert old["regressed"] == regressed


def test_samples_have_values_only_when_asked_for(session):
    groups = _asked(session, [_top(topic="regressed")])[0]["groups"]
    ids = {one["layer"]: one["fingerprint"] for one in groups}
    curated = {"fingerprint": ids["curated"], "limit": 5, "payload": False}
    parse = {**curated, "fingerprint": ids["standardized"]}
    plain, whole, unread, unread_whole, two = _asked(
        session,
        [
            {"samples": curated},
            {"samples": {**curated, "payload": True}},
            {"samples": {**parse, "topic": "regressed"}},
            {"samples": {**parse, "payload": True, "limit": 1}},
            {"samples": {**curated, "topic": "open"}},
        ],
    )
    assert [one["errorId"] for one in plain] == ["g2", "g1"]
    assert plain[0]["violations"] == [{"column": "t", "rule": "maximum", "message": "breaks maximum"}]
    assert plain[1]["outcome"] == "REBUILT:op-1"
    assert "SECRET" not in json.dumps([plain, unread])
    assert whole[0]["violations"][0]["value"] == "SECRET"
    assert whole[0]["content"] == '{"t":"SECRET"}'
    assert [one["message"] for one in unread] == ["line 1, column 2: no value"] * 2
    assert unread[1]["outcome"] == "RESOLVED"
    assert [one["content"] for one in unread_whole] == ["{SECRET"]
    assert two == []


SCHEMA = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "x-topic": "judged",
    "x-version": 2,
    "required": ["t"],
    "properties": {
        "t": {"type": "integer", "maximum": 100, "x-cde": True},
        "h": {"type": "integer", "maximum": 10},
        "meta": {"type": "object", "properties": {"fw": {"type": "string"}}},
    },
}


def a_record(
    key: str, second: int = 0, message: str = "m", micros: int = 0, **payload: str
) -> dict[str, Any]:
    """The standardized row that errors keeps of a message."""
    at = f"2026-11-23T10:00:{second:02}.{micros:06}Z"
    return {"idempotency_key": key, "message_id": message, "produced_at": at, "ingested_at": at, **payload}


def a_judged(error_id: str, record: dict[str, Any] | str | None, **changes: Any) -> dict[str, Any]:
    text = json.dumps(record) if isinstance(record, dict) else record
    own = record if isinstance(record, dict) else {}
    ids = {name: own[name] for name in ("message_id", "idempotency_key") if name in own}
    return an_error(error_id, "judged", record=text, **(ids | changes))


def the_judged() -> list[dict[str, Any]]:
    return [
        a_judged("valid", a_record("valid", message="m1", t="50")),
        a_judged("twice-old", a_record("twice", 1, "m2", t="50")),
        a_judged("twice-new", a_record("twice", 2, "m3", t="51")),
        # The newer one of these is still wrong, so the older one comes into the table.
        a_judged("beaten-old", a_record("half", 1, "m4", t="50")),
        a_judged("beaten-new", a_record("half", 2, "m5", t="1000")),
        a_judged("older", a_record("older", 1, "m6", t="50")),
        a_judged("by-micros", a_record("micros", 1, "m7", micros=1, t="50")),
        a_judged("by-message", a_record("message", 1, "m8", t="50")),
        a_judged("same", a_record("same", 1, "m9", t="50", h="7"), disposition="nulled"),
        a_judged("nulled", a_record("nulled", 1, "m10", t="50", h="11"), disposition="nulled"),
        a_judged("now-nulled", a_record("now-nulled", 1, "m11", t="50", h="x")),
        a_judged("missing", a_record("missing", 1, "m12", h="1")),
        a_judged("object", a_record("object", 1, "m13", t__of="1")),
        a_judged("nested", a_record("nested", 1, "m14", t="5", meta__fw="1", meta__other="2")),
        a_judged("gone", None, message_id="m15"),
        a_judged("broken", "{", message_id="m16"),
        a_judged("closed", a_record("closed", t="5"), **closed(hours_ago(1))),
        a_judged("late", a_record("late", 1, "m17", t="5"), detected_at=NOW + timedelta(minutes=1)),
        # The row of a later version of the schema is the one that counts.
        a_judged("first", a_record("again", 1, "m18", t="5")),
        a_judged("second", a_record("again", 1, "m18", t="5"), schema_version=2),
    ]


def in_the_table() -> list[tuple[str, str, datetime, datetime]]:
    at = datetime(2026, 11, 23, 10, 0, 1)
    return [
        ("older", "m0", at + timedelta(seconds=1), at),
        ("micros", "m0", at + timedelta(microseconds=2), at),
        ("message", "m9", at, at),
        ("same", "m9", at, at),
        ("again", "m0", at - timedelta(seconds=1), at),
    ]


@pytest.fixture(scope="module")
def judged(job_session: SparkSession) -> SparkSession:
    _write(job_session, JUDGED, the_judged(), [a_parse_error("q", "judged")])
    job_session.sql(f"CREATE NAMESPACE IF NOT EXISTS glue_catalog.{JUDGED}_curated")
    columns = (
        "idempotency_key string, message_id string, produced_at timestamp_ntz, ingested_at timestamp_ntz"
    )
    curated = job_session.createDataFrame(in_the_table(), columns)
    curated.coalesce(1).writeTo(f"glue_catalog.{JUDGED}_curated.judged").createOrReplace()
    return job_session


def test_a_replay_is_told_by_what_becomes_of_each_row(judged):
    selection = {"until": NOW.isoformat() + "Z", "topic": "judged"}
    target = {"schema": json.dumps(SCHEMA), "tableName": "judged", "hasCurated": True}
    requests: list[dict[str, Any]] = [
        {"selection": selection},
        {"selection": selection, "judged": target},
        {"selection": selection, "judged": {**target, "hasCurated": False}},
        {"selection": {**selection, "errorIds": ["valid", "missing"]}, "judged": target},
        {"selection": {**selection, "topic": "other"}},
    ]
    causes, verdict, alone, some, none = _asked(judged, [{"prefix": JUDGED, **one} for one in requests])
    assert [(one["layer"], one["rows"], one["messages"], one["gone"]) for one in causes] == [
        ("curated", 17, 17, 2),
        ("standardized", 1, 1, 0),
    ]
    counts = ("rows", "valid", "restored", "superseded", "rejected", "nulled", "exact")
    # Valid: valid, twice-new, beaten-old, same, nested, and second.
    # Superseded: twice-old, older, by-micros and by-message.
    assert [verdict[name] for name in counts] == [15, 6, 1, 4, 3, 2, True]
    assert {(one["column"], one["rule"], one["rows"]) for one in verdict["broken"]} == {
        ("t", "maximum", 1),
        ("t", "required", 1),
        ("t", "type", 1),
        ("h", "maximum", 1),
        ("h", "type", 1),
    }
    assert [alone[name] for name in counts] == [15, 9, 1, 1, 3, 2, True]
    assert [some[name] for name in counts] == [2, 1, 0, 0, 1, 0, True]
    assert none == []
