"""Keys are erased from a lake: every object is searched, other rows stay as they are, and nothing comes
back."""

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlparse

import pyarrow.parquet as pq
import pytest
from budget import budget
from histories import Killed, killed_in
from lake import Event
from law_checks import untouched
from maintained import MemoryOperations
from operated import operate
from saved_lake import SavedLake
from searcher import objects_with

from lean_ops.bookkeeping import ledger
from lean_ops.bookkeeping.operation import OperationError
from lean_ops.forget import erasing
from lean_ops.forget.keys import hash_of
from lean_ops.rebuild.shadow_catalog import shadow_location
from lean_ops.tables.spark_tables import Tables
from lean_ops.tables.topic_table import TopicTable

TOPIC, OTHER = "telemetry.climate", "fleet.trucks"
FORGET = "20261130T062500Z-forget-ab12cd"
NOW = datetime(2026, 11, 30, 6, 26, tzinfo=UTC)
KIM = 'kim@example.org\'s "key" ü'
LONGER = f"{KIM}-2"
"""A key of which the other one is a prefix."""
FIELDS = {"temperature": {"type": "number"}, "n": {"type": "integer", "x-cde": True, "maximum": 5}}


def event(key, message_id, topic=TOPIC, **more):
    payload = more.pop("payload", {"temperature": 1, "n": 1, "who": f"value-of-{message_id}"})
    return Event(payload, topic=topic, message_id=message_id, key=key, **more)


@pytest.fixture(scope="module")
def saved(new_lake, tmp_path_factory):
    """Two topics, each with rows of the key, of longer keys and of others, errors and parse errors; and the
    last commit to RAW was taken by no cycle."""
    lake = new_lake()
    for topic in (TOPIC, OTHER):
        lake.activate(topic, 1, FIELDS)
    for topic in (TOPIC, OTHER):
        lake.deliver(
            event(KIM, "gone-m1", topic),
            event(LONGER, "m2", topic),
            event("someone", "m3", topic),
            event("a-key", "m0", topic),
        )
    lake.deliver(
        event(KIM, "gone-bad", payload={"temperature": 1, "n": 9, "who": "gone-bad-value"}),
        event(KIM, "gone-broken", payload="{'who': 'gone-broken-value'"),
        event("someone", "m4", payload="{'who': 'someone-broken'"),
        event("someone", "m5", payload={"n": 7}),
    )
    assert lake.standardize().trouble() is None
    assert lake.curate().trouble() is None
    assert lake.standardize(event(KIM, "gone-m6", produced=5), event("other", "m6")).trouble() is None
    assert lake.curate().trouble() is None
    lake.deliver(event(KIM, "gone-late", produced=9), event("late", "m7"), event("late", "m8", OTHER))
    return SavedLake(lake, tmp_path_factory.mktemp("saved"))


@pytest.fixture
def lake(saved):
    return saved.restored()


def requested(lake, *keys):
    operations = MemoryOperations()
    lake.hold(TOPIC)
    lake.registered[TOPIC]["epoch"] = 1
    operations.add(FORGET)
    operations.items[f"keys#{FORGET}"] = {"operation_id": f"keys#{FORGET}", "keys": list(keys)}
    return operations


def forget(lake, operations, **more):
    return operate(lake, operations, FORGET, at=NOW, **more)


TABLES = (
    *("raw.events", "ops.cycle_delta", "ops.errors", "ops.parse_errors"),
    *("standardized.telemetry_climate", "curated.telemetry_climate"),
    *("standardized.fleet_trucks", "curated.fleet_trucks"),
)


def content(lake):
    return {name: lake.rows(name) for name in TABLES}


def without_key(rows):
    return [
        row
        for row in rows
        if not str(row.get("message_id")).startswith("gone-") or row.get("topic_name") == OTHER
    ]


def test_every_object_is_without_the_key_and_stays_so_and_all_other_rows_are_as_before(lake):
    assert objects_with(lake, "gone-m1", "gone-bad", "gone-broken", "gone-late")
    before = content(lake)
    operations = requested(lake, KIM)
    counts = forget(lake, operations).counts
    after = content(lake)
    for name in TABLES:
        kept = before[name] if "fleet" in name else without_key(before[name])
        assert after[name] == kept, name
    of_other = [
        row for row in after["raw.events"] if row["topic_name"] == OTHER and row["idempotency_key"] == KIM
    ]
    assert len(of_other) == 1
    texts = ("value-of-gone-m6", "gone-bad", "gone-broken", "gone-late")
    assert objects_with(lake, *texts) == []
    assert f"keys#{FORGET}" not in operations.items
    assert counts["rows_raw"] == 5
    assert counts["rows_standardized"] == counts["rows_curated"] == 1
    assert counts["rows_errors"] == counts["rows_parse_errors"] == 1
    assert counts["rows_cycle_delta"] == 4

    # The next cycle takes what was not taken, once, and brings nothing back.
    lake.release(TOPIC)
    assert lake.standardize(event("new", "m9")).trouble() is None
    assert lake.curate().trouble() is None
    assert not [line for line in lake.logged if line["message"] == "RAW history gone"]
    taken = [row["message_id"] for row in lake.rows("ops.cycle_delta")]
    assert sorted(one for one in taken if one in ("m7", "m8", "m9")) == ["m7", "m8", "m9"]
    assert "late" in lake.by_key("standardized.telemetry_climate")
    for topic in (TOPIC, OTHER):
        for layer in ("standardized", "curated"):
            came, went = lake.balance(layer, topic)
            assert came == went, (topic, layer)
            assert {row["status"] for row in lake.ledger(layer, topic)} == {"SUCCEEDED"}
    assert objects_with(lake, "gone-m6", "gone-bad", "gone-broken", "gone-late") == []


def test_a_key_is_erased_whose_only_messages_were_not_taken_yet(lake):
    """The topic is held while a cycle takes its event, and the erasure leaves nothing of that cycle; nor of
    one that somebody has rolled the table back behind."""
    table = "standardized.telemetry_climate"
    lake.standardize()
    assert lake.standardize(event("ghost", "gone-taken")).trouble() is None
    lake.roll_back(table, lake.commits(table) - 1)
    operations = requested(lake, "ghost")
    assert lake.standardize(event("ghost", "gone-ghost"), event("else", "m8b", OTHER)).trouble() is None
    before = lake.rows("standardized.telemetry_climate")
    counts = forget(lake, operations).counts
    assert (counts["rows_raw"], counts["rows_standardized"]) == (2, 0)
    lake.release(TOPIC)
    outcome = lake.standardize(event("new", "m9"))
    assert outcome.trouble() is None
    keys = set(lake.by_key("standardized.telemetry_climate"))
    assert keys == {row["idempotency_key"] for row in before} | {"late", "new"}
    assert objects_with(lake, "gone-ghost") == []


def build(lake, operations, operation_id, topic):
    operations.add(operation_id, topic, step="BUILDING", plan={"from": "raw"})
    operate(lake, operations, operation_id, at=NOW)


def swap(lake, operations, operation_id, topic):
    """As the state machine goes on with a rebuild that is built."""
    if "hold" not in lake.registered[topic]:
        lake.hold(topic)
        lake.registered[topic]["epoch"] = lake.registered[topic].get("epoch", 0) + 1
    operations.items[operation_id]["step"] = "DRAINED"
    operate(lake, operations, operation_id, at=NOW)
    lake.release(topic)


def test_rebuilds_are_no_refuge_before_and_after_an_erasure_and_one_of_another_topic_goes_on(lake):
    """One of the topic was cancelled and nobody has cleaned up; one of another topic reads RAW just now."""
    operations = requested(lake, KIM)
    cancelled, other, anew = (f"20261130T0624{n:02}Z-rebuild-ab12cd" for n in range(3))
    for operation_id, topic, call in ((cancelled, TOPIC, 1), (other, OTHER, 1)):
        with pytest.raises(Killed), killed_in(TopicTable, "replace_rows_where", call, topic == TOPIC):
            build(lake, operations, operation_id, topic)
    operations.items[cancelled].update(state="CANCELLED", step="ENDED")
    tables = Tables(lake.spark, lake.prefix)
    folder = Path(urlparse(shadow_location(tables, "rebuild_curated_telemetry_climate")).path, "data")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "left.parquet").write_bytes(b"value-of-gone-m6")
    left_alone = untouched(lake, OTHER)
    forget(lake, operations)
    texts = ("value-of-gone-m6", "gone-bad", "gone-broken", "gone-late")
    assert objects_with(lake, *texts) == []
    assert untouched(lake, OTHER) == left_alone
    before = content(lake)
    operate(lake, operations, other, at=NOW)
    swap(lake, operations, other, OTHER)
    lake.release(TOPIC)
    build(lake, operations, anew, TOPIC)
    swap(lake, operations, anew, TOPIC)
    for name in TABLES:
        assert without_cycle(lake.rows(name)) == without_cycle(before[name]), name
    assert objects_with(lake, *texts) == []
    assert lake.standardize(event("new", "m9"), event("new", "m9", OTHER)).trouble() is None
    assert lake.curate().trouble() is None
    for topic in (TOPIC, OTHER):
        for layer in ("standardized", "curated"):
            came, went = lake.balance(layer, topic)
            assert came == went, (topic, layer)
    assert {"late", "new"} <= lake.by_key("standardized.telemetry_climate").keys()
    assert KIM not in lake.by_key("standardized.telemetry_climate")


def without_cycle(rows):
    return sorted(
        ({name: value for name, value in row.items() if name != "cycle_id"} for row in rows), key=str
    )


# parse_errors, errors, standardized, curated, raw and cycle_delta, in this order.
KILLS = [
    (erasing, "commit_metadata", 1, True),
    (erasing, "commit_metadata", 3, True),
    (erasing, "commit_metadata", 5, False),
    (erasing, "commit_metadata", 5, True),
    (erasing, "commit_metadata", 6, True),
    (erasing, "reachable_paths", 12, False),
    (ledger, "write", 3, False),
    (MemoryOperations, "apply", 1, True),
]


@pytest.mark.parametrize(("where", "name", "call", "after"), budget(each_run=KILLS[5:6], thorough=KILLS))
def test_an_erasure_that_is_killed_and_resumed_ends_as_an_undisturbed_one(lake, where, name, call, after):
    before = content(lake)
    operations = requested(lake, KIM)
    with pytest.raises(Killed), killed_in(where, name, call, after):
        forget(lake, operations)
    counts = forget(lake, operations).counts
    after = content(lake)
    for table in TABLES:
        assert after[table] == (before[table] if "fleet" in table else without_key(before[table])), table
    assert objects_with(lake, "value-of-gone-m6", "gone-bad", "gone-broken", "gone-late") == []
    assert {name: counts[name] for name in counts if name.startswith("rows_")} == {
        "rows_raw": 5,
        "rows_cycle_delta": 4,
        "rows_standardized": 1,
        "rows_curated": 1,
        "rows_errors": 1,
        "rows_parse_errors": 1,
    }


def test_an_erasure_succeeds_whose_tables_have_lost_their_first_snapshots_and_so_does_the_next(lake):
    """Maintenance expires snapshots every day, and each erasure expires all before it: a history that begins
    with a snapshot whose parent is gone is the normal case."""
    for table in TABLES:
        lake.spark.sql(
            "CALL glue_catalog.system.expire_snapshots("
            f"table => '{lake.name(table)}', older_than => TIMESTAMP '2099-01-01 00:00:00', retain_last => 1)"
        )
    before = content(lake)
    forget(lake, requested(lake, KIM))
    once = content(lake)
    forget(lake, requested(lake, LONGER))
    for table in TABLES:
        assert once[table] == (before[table] if "fleet" in table else without_key(before[table])), table
    assert "someone" in lake.by_key("standardized.telemetry_climate")
    assert objects_with(lake, "value-of-gone-m6", "gone-bad", "gone-broken", "gone-late") == []
    assert lake.rows("standardized.telemetry_climate") == [
        row for row in once["standardized.telemetry_climate"] if row["message_id"] != "m2"
    ]


def test_bounds_of_columns_have_nothing_of_the_key(lake):
    """The first and the last key of all files are in the bounds of manifests and in statistics."""
    first, last = "a-first-person-of-all", "~a-last-person-of-all"
    assert (
        lake.standardize(event(first, "gone-f"), event(last, "gone-l"), event("m", "m-b")).trouble() is None
    )
    assert lake.curate().trouble() is None
    assert [one for one in objects_with(lake, first[:15], last[:15]) if one.endswith(".avro")]
    forget(lake, requested(lake, first, last))
    assert objects_with(lake, first[:15], last[:15]) == []


def test_files_of_refused_commits_and_tags_are_no_refuge(lake, monkeypatch):
    """A tag keeps a snapshot of the topic's table, a staged file lies beside it, and one that Firehose has
    not committed lies in RAW."""
    monkeypatch.setattr(erasing, "STAGED_FOR", timedelta(0))
    name = lake.name("standardized.telemetry_climate")
    lake.spark.sql(f"ALTER TABLE {name} CREATE TAG `lean-ops-undo-x`")
    raw = next(file for file in lake.data_files("raw.events") if "gone-m1" in str(rows_of(file)))
    staged = raw.replace(".parquet", "-staged.parquet")
    shutil.copy(urlparse(raw).path, urlparse(staged).path)
    mine = min(lake.data_files("standardized.telemetry_climate"))
    refused = urlparse(mine).path.replace(".parquet", "-refused.parquet")
    shutil.copy(urlparse(mine).path, refused)
    counts = operate(lake, requested(lake, KIM), FORGET, at=datetime(2099, 1, 1, tzinfo=UTC)).counts
    assert counts["refs"] == ["lean-ops-undo-x"]
    assert {row["message_id"] for row in rows_of(staged)} >= {"m2", "m3", "m0"}
    assert KIM not in {row["idempotency_key"] for row in rows_of(staged) if row["topic_name"] == TOPIC}
    assert not Path(refused).exists()


def rows_of(file):
    return pq.read_table(urlparse(file).path).to_pylist()


def test_without_its_keys_or_with_others_than_planned_an_erasure_touches_nothing(lake):
    before = content(lake)
    operations = requested(lake, KIM)
    operations.items[FORGET]["plan"] = {"salt": "5a17", "hashes": [hash_of("5a17", LONGER)]}
    with pytest.raises(OperationError, match="not those of its plan"):
        forget(lake, operations)
    operations.drop(FORGET)
    with pytest.raises(OperationError, match="are gone"):
        forget(lake, operations)
    assert content(lake) == before
    assert operations.items[FORGET]["step"] == "DRAINED"
