"""The rooms of the Python code: who may import whom, and who may do what, read from the syntax trees.

TypeScript's rooms, and how full a folder may be in any language, are in tests/unit/architecture.test.ts.
"""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
GLUE = ROOT / "scripts" / "glue"
LIBRARY = GLUE / "lean_ops"
SOURCES = sorted(GLUE.rglob("*.py"))

# From the lowest to the highest: a room imports rooms before it, and nothing of those after it.
ROOMS = {
    "scripts/glue/lean_ops": (
        *("errors", "columns", "ports", "spark", "payload", "validation", "tables", "raw"),
        *("cycle_delta", "versions", "tasks", "bookkeeping", "standardized", "curated", "catch_up"),
        *("maintenance", "rebuild", "replay", "forget", "operations", "entrypoint"),
    ),
    "scripts/local/emulator": (
        *("errors", "limits", "responses", "settings", "owner_process", "reads", "waits", "cloudwatch"),
        *("iam", "fault_injection"),
        *("spark", "events", "athena", "firehose", "glue", "spark_process"),
        *("patches", "server", "admin", "__main__"),
    ),
}

WRITING_METHODS = {
    *("write", "writeTo", "writeStream", "insertInto", "saveAsTable", "overwrite", "overwritePartitions"),
    *("newAppend", "newFastAppend", "newOverwrite", "newDelete", "newTransaction", "withCommitProperties"),
    *("createTable", "dropTable", "newRewrite", "expireSnapshots"),
}
# The modules that commit to tables. What staged_rows has Spark write is committed by topic_table.
COMMITTING = (
    *("tables/spark_tables.py", "tables/topic_table.py", "tables/staged_rows.py"),
    *("maintenance/rewriting.py", "maintenance/expiry.py", "forget/erasing.py"),
    *("tables/swap.py", "rebuild/shadow_catalog.py", "maintenance/shadows.py"),
)
# What tasks write are files; the commit that makes them part of a table is topic_table's.
WRITING_FILES = (
    *("tables/data_files.py", "tables/table_files.py", "tasks/topic_task.py"),
    *("raw/flatten_files.py", "standardized/in_task.py", "curated/in_task.py"),
)
# `ledger.write`, `sys.stdout.write` and `zipfile.write` are no table writes; anything else of that name is.
WRITING_OTHERWISE = ("bookkeeping/ledger.py", "entrypoint/log.py", "spark/session.py")
WRITING_LEDGER = (
    *("standardized/job.py", "standardized/look.py", "curated/job.py", "curated/moved_tables.py"),
    *("operations/rewinding.py", "rebuild/swapping.py"),
    *("forget/lake.py", "replay/curated.py", "replay/unread.py"),
    *("bookkeeping/unrecorded.py", "operations/replaying.py"),
)

# Rooms and modules whose decisions are plain Python: no Spark, no Arrow.
PLAIN = (
    *("columns/names.py", "payload/json_text.py", "payload/flatten.py", "ports/job_arguments.py"),
    *("standardized/schema_evolution.py", "curated/backfill.py", "versions/merge_python.py"),
    "tables/schema_promotion.py",
    *("validation/topic_schema.py", "validation/casts.py", "tables/table_shape.py"),
    "spark/catalog_calls.py",
    *("catch_up/table_owners.py", "catch_up/missing_drift.py", "catch_up/plan.py", "catch_up/report.py"),
    *("maintenance/snapshots.py", "maintenance/delta_retention.py", "maintenance/raw_days.py"),
    *("maintenance/debt.py", "maintenance/orphans.py", "maintenance/versions.py"),
    *("maintenance/pace.py", "rebuild/shadow_metadata.py", "rebuild/target.py", "rebuild/plan.py"),
    *("forget/keys.py", "forget/archive.py"),
)


def name_of(path):
    return path.relative_to(LIBRARY if path.is_relative_to(LIBRARY) else GLUE).as_posix()


def nodes(path):
    return list(ast.walk(ast.parse(path.read_text("utf-8"))))


def attributes(path):
    return {node.attr for node in nodes(path) if isinstance(node, ast.Attribute)}


def imports(path):
    """Full names of the modules that a file imports; of `from a import b` both that could be meant."""
    for node in nodes(path):
        if isinstance(node, ast.Import):
            yield from (item.name for item in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""
            yield from (f"{node.module}.{item.name}" for item in node.names)


def modules_of(path, package):
    """The files of this repository's package that a file imports."""
    for name in imports(path):
        parts = name.split(".")
        file = package.joinpath(*parts[1:]).with_suffix(".py")
        if parts[0] == package.name and len(parts) > 1 and file.exists():
            yield file


def room_of(path, package):
    return path.relative_to(package).parts[0].removesuffix(".py")


def others(skipped):
    return [path for path in SOURCES if name_of(path) not in skipped]


@pytest.mark.parametrize(("folder", "rooms"), ROOMS.items(), ids=lambda one: str(one)[:22])
def test_no_import_runs_upward(folder, rooms):
    package = ROOT / folder
    files = [path for path in package.rglob("*.py") if path != package / "__init__.py"]
    assert {room_of(path, package) for path in files} == set(rooms), "every folder is a room, with a place"
    upward = [
        f"{path.relative_to(package)} imports {target.relative_to(package)}"
        for path in files
        for target in modules_of(path, package)
        if rooms.index(room_of(target, package)) > rooms.index(room_of(path, package))
    ]
    assert not upward


@pytest.mark.parametrize("path", others(COMMITTING), ids=name_of)
def test_nobody_else_commits(path):
    allowed = {"write"} if name_of(path) in (*WRITING_OTHERWISE, *WRITING_FILES, *WRITING_LEDGER) else set()
    assert not (attributes(path) & WRITING_METHODS) - allowed
    called = [
        node for node in nodes(path) if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
    ]
    assert not [node for node in called if node.func.attr == "sql"], "SQL text is run in spark_tables.py only"


@pytest.mark.parametrize("name", WRITING_LEDGER)
def test_what_the_jobs_call_write_is_the_ledgers(name):
    writes = [
        node for node in nodes(LIBRARY / name) if isinstance(node, ast.Attribute) and node.attr == "write"
    ]
    assert [node.value.id for node in writes if isinstance(node.value, ast.Name)] == ["ledger"] * len(writes)


@pytest.mark.parametrize("path", others(("spark/session.py",)), ids=name_of)
def test_only_session_makes_a_session(path):
    # Iceberg's DataFiles has a builder too.
    builder = set() if name_of(path) == "tables/topic_table.py" else {"builder"}
    assert not attributes(path) & {"newSession", "getOrCreate", "cloneSession", *builder}


@pytest.mark.parametrize("path", others(("ports/aws.py", "ports/aws_archive.py")), ids=name_of)
def test_only_aws_talks_to_aws(path):
    assert not {name.split(".")[0] for name in imports(path)} & {"boto3", "botocore"}


@pytest.mark.parametrize("path", others(("columns/row_indices.py",)), ids=name_of)
def test_only_row_indices_asks_arrow_for_the_indices_of_a_mask(path):
    """Arrow's function ends the process on a chunked array without chunks."""
    assert "indices_nonzero" not in attributes(path)


@pytest.mark.parametrize("name", PLAIN)
def test_decisions_are_plain_python(name):
    assert not [one for one in imports(LIBRARY / name) if one.startswith(("pyspark", "pyarrow"))]


@pytest.mark.parametrize(
    "name",
    ["validator.py", "batch.py", "validate_batches.py", "casts.py", "column_casts.py", "constraints.py"],
)
def test_validation_needs_no_spark(name):
    """Nor does what it imports."""
    seen, todo = set(), {LIBRARY / "validation" / name}
    while todo:
        path = todo.pop()
        seen.add(path)
        assert not [one for one in imports(path) if one.startswith("pyspark")], path
        todo |= set(modules_of(path, LIBRARY)) - seen
