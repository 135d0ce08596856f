"""The rows that a task holds of its table are bounded in memory, whatever the sizes of the files on disk
are."""

import pyarrow as pa
import pytest

from lean_ops.spark.file_io import FileStore
from lean_ops.tables.data_location import DataLocation
from lean_ops.tables.table_files import Column, TableFiles
from lean_ops.tasks import topic_task
from lean_ops.tasks.topic_task import TooLargeError, TopicTask, write_winners
from lean_ops.versions.merge_python import Decision, RowPosition

COLUMNS = (Column("idempotency_key", 1, "string"), Column("text", 2, "string"))
ROWS = 100
FILE_BYTES = 1_000_000
"""The bytes of a file's rows in memory. On disk the text is there only once."""


@pytest.fixture
def table(tmp_path):
    return TableFiles(
        FileStore(), location=DataLocation(f"{tmp_path}/data/"), columns=COLUMNS, partitioning=None
    )


@pytest.fixture
def files(table):
    text = "x" * (FILE_BYTES // ROWS)
    batches = [
        pa.table({"idempotency_key": [f"k{number}-{n}" for n in range(ROWS)], "text": [text] * ROWS})
        for number in range(6)
    ]
    return [new.file for batch in batches for new in table.write(table.whole(batch))]


def written(table, files, room, monkeypatch, replaced=(), to_compact=()):
    """Writes a new row, which takes the place of the rows at `replaced`, given as (file, position)."""
    monkeypatch.setattr(topic_task, "MAX_TABLE_BYTES", room)
    task = TopicTask(
        topic="a.topic",
        cycles=frozenset(),
        events=1,
        columns=COLUMNS,
        partitioning=None,
        location=DataLocation(""),
        files=tuple(files),
        to_compact=tuple(to_compact),
    )
    decision = Decision(
        winners=[0],
        replaced=[RowPosition(*one) for one in replaced],
        versions=1,
        inserted=1 - len(replaced),
        updated=len(replaced),
        duplicates=0,
    )
    return write_winners(task, table, decision, pa.table({"idempotency_key": ["new"], "text": ["y"]}))


def keys(table, files):
    read = (table.read(file, 10 * FILE_BYTES) for file in files)
    return sorted(key for rows in read for key in rows.column("idempotency_key").to_pylist())


def after(files, result):
    kept = [file for file in files if file.path not in result.removed]
    return [*kept, *(new.file for new in result.files)]


def test_as_many_small_files_are_compacted_as_fit(table, files, monkeypatch):
    assert max(file.size for file in files) < FILE_BYTES / 100
    all_of_them = range(len(files))
    result = written(table, files, 7 * FILE_BYTES, monkeypatch, to_compact=all_of_them)
    assert (len(result.removed), len(result.files)) == (6, 1)

    result = written(table, files, 3.5 * FILE_BYTES, monkeypatch, to_compact=all_of_them)
    assert (len(result.removed), len(result.files)) == (3, 1)
    assert keys(table, after(files, result)) == sorted([*keys(table, files), "new"])

    # When only few fit, the next cycle would compact the same files again.
    result = written(table, files, 2.5 * FILE_BYTES, monkeypatch, to_compact=all_of_them)
    assert (len(result.removed), len(result.files)) == (0, 1)


def test_corrections_come_before_compaction(table, files, monkeypatch):
    result = written(
        table, files, 2.5 * FILE_BYTES, monkeypatch, replaced=[(0, 7), (1, 0)], to_compact=range(len(files))
    )
    assert sorted(result.removed) == sorted([files[0].path, files[1].path])
    left = set(keys(table, files)) - {"k0-7", "k1-0"}
    assert keys(table, after(files, result)) == sorted([*left, "new"])


def test_corrections_of_files_that_take_more_memory_are_sparks(table, files, monkeypatch):
    with pytest.raises(TooLargeError, match="beside those that corrections replace"):
        written(table, files, 2.5 * FILE_BYTES, monkeypatch, replaced=[(0, 7), (1, 0), (2, 0)])
