"""The archive of dead letters, Firehose's objects and results of queries lose the keys, and nothing else."""

import base64
import json

import pytest
from histories import Killed, killed_in
from maintained import MemoryArchive

from lean_ops.forget.archive import ArchiveErasure
from lean_ops.forget.keys import Forgotten

TOPIC, ARCHIVE, LAKE = "telemetry.climate", "archive", "lake"
KEY, LONGER = 'kim\'s "key" ü', 'kim\'s "key" ü2'


def letter(archive, source, key, topic=TOPIC, **more):
    body = json.dumps({"topic_name": topic, "idempotency_key": key, "payload": {"who": source}})
    content = {
        "topic_name": topic,
        "source_message_id": source,
        "failed_at": "2026-11-30T06:00:00.000Z",
        "body": body,
    }
    path = f"dlq/{topic}/2026/11/30/{source}.json"
    archive.objects[ARCHIVE, path] = json.dumps({**content, **more}).encode()
    name = f"2026-11-30T06:00:00.000Z#{source}"
    archive.index[topic, name] = {"topic_name": topic, "failed_at_message_id": name, "s3_key": path}


def record(key, topic=TOPIC):
    frame = json.dumps({"v": 1, "topic_name": topic, "message_id": "m", "idempotency_key": key})
    raw = base64.b64encode(f"{frame}\n{{}}".encode()).decode()
    return json.dumps({"attemptsMade": 3, "errorCode": "Lambda.Failed", "rawData": raw})


@pytest.fixture
def archive():
    found = MemoryArchive()
    letter(found, "s1", KEY)
    letter(found, "s2", LONGER)
    letter(found, "s3", KEY, "fleet.trucks")
    letter(found, "s4", KEY, "_unknown")
    letter(found, "s5", KEY, overflow={"bucket": ARCHIVE, "key": "overflow/s5"})
    body = json.dumps({"topic_name": TOPIC, "idempotency_key": KEY, "payload": 1})
    found.objects |= {
        (ARCHIVE, "overflow/s5"): body.encode(),
        (ARCHIVE, "overflow/s5.attributes.json"): b"{}",
        (ARCHIVE, "overflow/s6"): body.encode(),
        (ARCHIVE, "overflow/s7"): body.replace(TOPIC, "fleet.trucks").encode(),
        (
            ARCHIVE,
            "firehose-errors/a",
        ): f"{record(KEY)}\n{record(LONGER)}\n{record(KEY, 'fleet.trucks')}\nodd\n".encode(),
        (ARCHIVE, "firehose-errors/b"): record(KEY).encode() + record(KEY).encode(),
        (ARCHIVE, "firehose-errors/c"): record(LONGER).encode(),
        (LAKE, "athena-results/1.csv"): '"who"\n"kim\'s ""key"" ü"\n'.encode(),
        (LAKE, "athena-results/2.csv"): b'"who"\n"someone"\n',
    }
    for name in ("a", "b"):
        path = f"firehose-errors/{name}"
        found.index[TOPIC, f"firehose-{name}"] = {
            "topic_name": TOPIC,
            "failed_at_message_id": f"firehose-{name}",
            "s3_key": path,
        }
        found.index["_error_objects", path] = {"topic_name": "_error_objects", "failed_at_message_id": path}
    found.attempts = {KEY, "s2"}
    return found


def erasure(archive, notes=None):
    notes = {} if notes is None else notes
    forgotten = Forgotten(operation_id="20261130T062500Z-forget-ab12cd", topic=TOPIC, keys=frozenset([KEY]))
    return ArchiveErasure(
        archive=archive,
        archive_bucket=ARCHIVE,
        lake_bucket=LAKE,
        forgotten=forgotten,
        noted=dict(notes),
        note=notes.update,
    )


def test_what_has_the_key_goes_and_everything_else_stays(archive):
    before = dict(archive.objects)
    assert erasure(archive).run() == {
        "dead_letters": 3,
        "overflow": 2,
        "error_records": 3,
        "error_objects_unreadable": 0,
        "query_results": 1,
    }
    expected = f"{record(LONGER)}\n{record(KEY, 'fleet.trucks')}\nodd\n".encode()
    kept = (
        *((ARCHIVE, f"dlq/{one}.json") for one in (f"{TOPIC}/2026/11/30/s2", "fleet.trucks/2026/11/30/s3")),
        *((ARCHIVE, one) for one in ("overflow/s7", "firehose-errors/c")),
        (LAKE, "athena-results/2.csv"),
    )
    assert archive.objects == {
        **{name: before[name] for name in kept},
        (ARCHIVE, "firehose-errors/a"): expected,
    }
    assert {name for _, name in archive.index} == {f"2026-11-30T06:00:00.000Z#{one}" for one in ("s2", "s3")}
    assert archive.attempts == {"s2"}


@pytest.mark.parametrize("method", ["delete", "delete_entry", "put"])
@pytest.mark.parametrize("after", [False, True])
def test_killed_at_any_store_and_run_again_it_ends_as_an_undisturbed_run(archive, method, after):
    undisturbed = MemoryArchive(dict(archive.objects), dict(archive.index), set(archive.attempts))
    expected = erasure(undisturbed).run()
    for call in range(1, 20):
        torn = MemoryArchive(dict(archive.objects), dict(archive.index), set(archive.attempts))
        notes: dict[str, int] = {}
        try:
            with killed_in(MemoryArchive, method, call, after):
                erasure(torn, notes).run()
            return
        except Killed:
            assert erasure(torn, notes).run() == expected
        assert (torn.objects, torn.index, torn.attempts) == (
            undisturbed.objects,
            undisturbed.index,
            undisturbed.attempts,
        )
