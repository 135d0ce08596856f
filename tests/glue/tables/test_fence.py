"""No form of commit passes the fence of a topic's table, nor moves a checkpoint upon a table rolled back."""

import itertools
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta

import pyarrow as pa
import pytest
from budget import SEED, budget
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from py4j.protocol import Py4JJavaError

from lean_ops.spark.file_io import FileStore
from lean_ops.spark.iceberg_classes import iceberg_of
from lean_ops.tables import fence, fenced_commits
from lean_ops.tables.commits import CYCLE_ID, TableError
from lean_ops.tables.fence import EPOCH, FencedError
from lean_ops.tables.fenced_commits import commit_snapshot
from lean_ops.tables.spark_tables import Tables
from lean_ops.tables.staged_rows import staged
from lean_ops.tables.table_files import TableFiles
from lean_ops.tables.topic_table import TopicTable

DAY = date(2026, 11, 23)
TYPES = "idempotency_key string, n bigint, on date"


_numbers = itertools.count()


@pytest.fixture(scope="module")
def lake(new_lake):
    """One for all tests, as each of them has tables of its own."""
    return new_lake()


@pytest.fixture
def table(lake):
    """A table of a topic with two rows in two files, and a commit of the library."""
    name = lake.name(f"standardized.fenced{next(_numbers)}")
    lake.spark.sql(f"CREATE TABLE {name} ({TYPES}) USING iceberg PARTITIONED BY (days(on))")
    for key in ("a", "b"):
        by_files(lake, TopicTable(lake.spark, name), key)
    return name


def frame(lake, *keys, n=1):
    return lake.spark.createDataFrame([(key, n, DAY) for key in keys], TYPES)


def checkpoint(key):
    return {CYCLE_ID: f"of-{key}"}


def by_files(lake, loaded, key):
    files = TableFiles(
        FileStore(), location=loaded.location, columns=loaded.columns, partitioning=loaded.partitioning()
    )
    rows = pa.table({"idempotency_key": [key], "n": pa.array([1], pa.int64()), "on": [DAY]})
    return loaded.commit(list(files.write(files.whole(rows))), [], checkpoint(key))


def by_checkpoint(lake, loaded, key):
    return loaded.commit([], [], checkpoint(key))


def by_append(lake, loaded, key):
    return loaded.append_rows(frame(lake, key), checkpoint(key))


def by_upsert(lake, loaded, key):
    return loaded.upsert_rows(frame(lake, "a", key), "idempotency_key", checkpoint(key))


def by_schema(lake, loaded, key):
    tables_of(lake).add_columns(loaded._name, {f"of_{key}": None}, None, loaded.epoch)


def by_rewrite(lake, loaded, key):
    """As maintenance does it: the files of the snapshot that was loaded become others with the same rows."""
    iceberg = iceberg_of(lake.spark._jvm)
    known = loaded._loaded_at.snapshotId()
    keys = lake.spark.table(loaded._name).select("idempotency_key")
    update = loaded._table.newRewrite().validateFromSnapshot(known)
    with staged(lake.spark, iceberg, loaded._table) as rows:
        tasks = rows.files_with(keys, "idempotency_key", loaded._loaded_at).tasks
        for file in rows.write(rows.rows_of(tasks)):
            update.addFile(file)
    for task in tasks:
        update.deleteFile(task.file())
    commit_snapshot(iceberg, loaded._table, loaded._name, loaded.epoch, update, {}, {})


FORMS = {
    form.__name__: form for form in (by_files, by_checkpoint, by_append, by_upsert, by_schema, by_rewrite)
}


def tables_of(lake):
    return Tables(lake.spark, lake.prefix)


def keys_of(lake, name):
    lake.spark.sql(f"REFRESH TABLE {name}")
    return sorted(row["idempotency_key"] for row in lake.spark.table(name).collect())


def metadata_of(lake, name):
    return tables_of(lake).metadata(name)


# --- the fence ---


@pytest.mark.parametrize("form", FORMS)
def test_a_writer_that_planned_before_the_fence_cannot_commit_after_it(lake, table, form):
    loaded = TopicTable(lake.spark, table)
    tables_of(lake).raise_epoch(table, 1)
    before = metadata_of(lake, table)
    with pytest.raises(FencedError, match=r"^FENCED: an operation has taken \S+\.fenced\d+ over \(epoch 1\)"):
        FORMS[form](lake, loaded, "new")
    assert metadata_of(lake, table) == before
    assert keys_of(lake, table) == ["a", "b"]


def test_a_writer_of_a_later_epoch_shuts_out_those_of_earlier_ones(lake, table):
    """Also where only the registry's epoch was raised, as when a compaction is cancelled."""
    before_it, later = TopicTable(lake.spark, table, epoch=1), TopicTable(lake.spark, table, epoch=2)
    by_files(lake, later, "later")
    assert tables_of(lake).epoch(table) == 2
    with pytest.raises(FencedError):
        by_rewrite(lake, before_it, "new")
    assert keys_of(lake, table) == ["a", "b", "later"]


@pytest.mark.parametrize("form", FORMS)
def test_a_fence_that_comes_in_the_middle_of_a_commit_is_seen(lake, table, form, monkeypatch):
    """The commit has compared the epoch already, loses the race, and compares it anew."""
    loaded = TopicTable(lake.spark, table)
    before = metadata_of(lake, table)
    came = meanwhile(monkeypatch, lambda: tables_of(lake).raise_epoch(table, 1))
    with pytest.raises(FencedError):
        FORMS[form](lake, loaded, "new")
    assert came == [True]
    after = metadata_of(lake, table)
    assert after["snapshots"] == before["snapshots"]
    assert after["schemas"] == before["schemas"]


@pytest.mark.parametrize("form", FORMS)
def test_a_race_that_was_lost_is_run_again(lake, table, form, monkeypatch):
    loaded = TopicTable(lake.spark, table, epoch=3)
    came = meanwhile(
        monkeypatch, lambda: lake.spark.sql(f"ALTER TABLE {table} SET TBLPROPERTIES ('theirs'='1')")
    )
    FORMS[form](lake, loaded, "new")
    assert came == [True]
    metadata = metadata_of(lake, table)
    assert metadata["properties"]["theirs"] == "1"
    if form == "by_schema":
        assert "of_new" in [field["name"] for field in metadata["schemas"][-1]["fields"]]
        return
    summary = metadata["snapshots"][-1]["summary"]
    assert summary[EPOCH] == "3"
    wanted = ["a", "b", "new"] if form in ("by_files", "by_append", "by_upsert") else ["a", "b"]
    assert keys_of(lake, table) == wanted


def test_rows_that_came_in_the_middle_of_a_commit_are_not_written_twice(lake, table, monkeypatch):
    loaded = TopicTable(lake.spark, table)
    meanwhile(monkeypatch, lambda: by_files(lake, TopicTable(lake.spark, table), "theirs"))
    with pytest.raises(Py4JJavaError, match="Found conflicting files"):
        by_append(lake, loaded, "new")
    assert keys_of(lake, table) == ["a", "b", "theirs"]


def meanwhile(monkeypatch, act):
    """Acts once between a commit's look at the epoch and its compare-and-swap."""
    came = []
    check = fence.check

    def then(properties, table, writer_epoch):
        check(properties, table, writer_epoch)
        if not came:
            came.append(True)
            act()

    monkeypatch.setattr(fenced_commits, "check", then)
    return came


def test_a_property_alone_is_no_fence(lake, table):
    """Iceberg's own commit makes its metadata anew upon a fence that has come meanwhile, and asks nobody."""
    update = TopicTable(lake.spark, table)._table.newFastAppend()
    tables_of(lake).raise_epoch(table, 1)
    update.commit()
    assert metadata_of(lake, table)["properties"][EPOCH] == "1"


def test_an_epoch_only_grows(lake, table):
    tables = tables_of(lake)
    assert tables.epoch(table) == 0
    tables.raise_epoch(table, 2)
    before = metadata_of(lake, table)
    tables.raise_epoch(table, 2)
    assert metadata_of(lake, table) == before
    with pytest.raises(FencedError):
        tables.raise_epoch(table, 1)
    assert tables.epoch(table) == 2


def test_nobody_commits_where_the_epoch_cannot_be_read(lake, table):
    lake.spark.sql(f"ALTER TABLE {table} SET TBLPROPERTIES ('{EPOCH}'='soon')")
    with pytest.raises(TableError, match=r"lean-ops.epoch = 'soon', which is no number"):
        by_checkpoint(lake, TopicTable(lake.spark, table, epoch=9), "new")


def test_spark_does_not_commit_to_a_topics_table_by_itself(lake, table):
    with pytest.raises(TableError, match="only a TopicTable commits to"):
        tables_of(lake).append(frame(lake, "new"), table, {})


# --- a table that was rolled back ---


@pytest.mark.parametrize("form", [by_files, by_checkpoint, by_append, by_upsert])
def test_a_run_that_planned_before_a_rollback_does_not_move_the_checkpoint_after_it(lake, table, form):
    loaded = TopicTable(lake.spark, table)
    first = metadata_of(lake, table)["snapshots"][0]["snapshot-id"]
    where = table.removeprefix("glue_catalog.")
    lake.spark.sql(f"CALL glue_catalog.system.rollback_to_snapshot('{where}', {first})")
    with pytest.raises(Py4JJavaError, match="Cannot determine history between starting snapshot"):
        form(lake, loaded, "new")
    assert TopicTable(lake.spark, table).last_commit().cycle_id == "of-a"
    assert keys_of(lake, table) == ["a"]


def test_a_compaction_of_others_does_not_stop_a_checkpoint(lake, table):
    loaded = TopicTable(lake.spark, table)
    by_rewrite(lake, TopicTable(lake.spark, table), "theirs")
    assert by_checkpoint(lake, loaded, "new").cycle_id == "of-new"


# --- rows that Spark writes ---


def test_two_threads_write_at_once_each_its_own_rows(lake):
    """They share one session, so nothing of it may say what belongs to which write."""
    names = [lake.name(f"standardized.at_once_{n}") for n in range(2)]
    for name in names:
        lake.spark.sql(f"CREATE TABLE {name} ({TYPES}) USING iceberg")

    def write(n):
        Tables(lake.spark, lake.prefix)  # makes the session that of the thread
        loaded = TopicTable(lake.spark, names[n])
        for turn in range(3):
            keys = [f"{n}-{turn}-{key}" for key in range(20)]
            loaded.upsert_rows(frame(lake, f"{n}-same", *keys, n=turn), "idempotency_key", checkpoint(turn))

    with ThreadPoolExecutor(2) as threads:
        list(threads.map(write, range(2)))
    for n, name in enumerate(names):
        lake.spark.sql(f"REFRESH TABLE {name}")
        rows = {row["idempotency_key"]: row["n"] for row in lake.spark.table(name).collect()}
        assert lake.spark.table(name).count() == len(rows) == 61
        assert rows[f"{n}-same"] == 2
        assert {key.partition("-")[0] for key in rows} == {str(n)}


@pytest.mark.parametrize(
    "by", ["", "PARTITIONED BY (days(on))", "PARTITIONED BY (bucket(4, idempotency_key))"]
)
@pytest.mark.parametrize("version", [2, 3])
def test_an_upsert_leaves_each_key_once_with_its_last_row(lake, by, version):
    name = lake.name(f"curated.upserted{next(_numbers)}")
    lake.spark.sql(
        f"CREATE TABLE {name} ({TYPES}) USING iceberg {by} TBLPROPERTIES ('format-version'='{version}', "
        "'write.delete.mode'='merge-on-read', 'write.delete.granularity'='file')"
    )
    loaded, wanted = TopicTable(lake.spark, name), {}
    for turn, keys in enumerate([range(8), range(4, 12), [2], [], [20], range(30)]):
        rows = {f"k{key}": (turn, DAY + timedelta(days=key % 3 + turn % 2)) for key in keys}
        loaded.upsert_rows(
            lake.spark.createDataFrame([(key, n, on) for key, (n, on) in rows.items()], TYPES),
            "idempotency_key",
            checkpoint(turn),
        )
        wanted |= rows
        if turn == 1:
            # Another engine deletes by position, and the table is loaded again as by a later run.
            lake.spark.sql(f"DELETE FROM {name} WHERE idempotency_key IN ('k2', 'k5')")
            del wanted["k2"], wanted["k5"]
            lake.spark.sql(f"ALTER TABLE {name} ADD COLUMNS (more string)")
            loaded = TopicTable(lake.spark, name)
        lake.spark.sql(f"REFRESH TABLE {name}")
        found = lake.spark.table(name).collect()
        assert {row["idempotency_key"]: (row["n"], row["on"]) for row in found} == wanted
        assert len(found) == len(wanted)
    assert lake.spark.table(f"{name}.delete_files").count() == 0
    assert loaded.last_commit().rows == len(wanted)


# --- the law ---

SCHEDULES = budget(each_run=4, thorough=60)
WRITERS = 3

steps = st.one_of(
    st.tuples(st.just("plan"), st.integers(0, WRITERS - 1)),
    st.just(("fence",)),
    st.just(("registry only",)),
    st.tuples(st.just("commit"), st.integers(0, WRITERS - 1), st.sampled_from(sorted(FORMS))),
    st.tuples(st.just("commit"), st.integers(0, WRITERS - 1), st.sampled_from(sorted(FORMS))),
)


def test_nothing_of_a_fenced_writer_is_in_the_table_and_nothing_of_another_is_lost(lake):
    """Law L4 of operations. A fence raises the registry's epoch first, then the table's; it may die between
    the two. A writer plans with the registry's epoch, and commits at any time, more than once."""
    refused = []
    tables = (f"law_{n}" for n in itertools.count())

    @seed(SEED)
    @settings(
        max_examples=SCHEDULES,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(st.lists(steps, min_size=10, max_size=16))
    def hold(schedule):
        refused.append(play(lake, next(tables), schedule))

    hold()
    assert sum(refused) > 0, "no schedule had a writer that was fenced"


def play(lake, table, schedule):
    """Plays a schedule against a model of what each commit may do. Returns how many were fenced."""
    name = lake.name(f"standardized.{table}")
    lake.spark.sql(f"CREATE TABLE {name} ({TYPES}) USING iceberg PARTITIONED BY (days(on))")
    by_files(lake, TopicTable(lake.spark, name), "a")
    registry = fenced = refused = 0
    rows, columns, version = {"a"}, 3, 0
    files = 0  # changes with each commit that removes files, which a rewrite of those then must not
    planned = {}
    for number, (kind, *rest) in enumerate(schedule):
        if kind == "plan":
            planned[rest[0]] = (TopicTable(lake.spark, name, registry), version, files)
        elif kind == "registry only":
            registry += 1
        elif kind == "fence":
            registry += 1
            fenced = registry
            tables_of(lake).raise_epoch(name, registry)
        elif rest[0] in planned:
            loaded, seen, seen_files = planned.pop(rest[0])
            form, key = rest[1], f"k{number}"
            stale = {
                "by_schema": False,
                "by_checkpoint": seen != version,
                "by_rewrite": seen_files != files,
            }.get(form, seen != version or (form == "by_upsert" and seen_files != files))
            before = metadata_of(lake, name)
            if loaded.epoch < fenced:
                refused += 1
                with pytest.raises(FencedError):
                    FORMS[form](lake, loaded, key)
            elif stale:
                with pytest.raises(Py4JJavaError):
                    FORMS[form](lake, loaded, key)
            else:
                FORMS[form](lake, loaded, key)
                columns += form == "by_schema"
                # Who writes under a later epoch shuts out whoever began under an earlier one.
                fenced = fenced if form == "by_schema" else max(fenced, loaded.epoch)
                if form in ("by_files", "by_append", "by_upsert"):
                    rows.add(key)
                    version += 1
                files += form in ("by_upsert", "by_rewrite")
                continue
            assert metadata_of(lake, name) == before
    metadata = metadata_of(lake, name)
    assert keys_of(lake, name) == sorted(rows)
    assert len(lake.spark.table(name).columns) == columns
    for snapshot in metadata["snapshots"]:
        assert EPOCH in snapshot["summary"]
    return refused
