"""Who may do what, read from the syntax trees: only tables.py and topic_table.py write, only session.py makes
a session."""

import ast
from pathlib import Path

import pytest

GLUE = Path(__file__).parents[2] / "scripts" / "glue"
SOURCES = sorted(GLUE.rglob("*.py"))
WRITING_METHODS = {
    *("write", "writeTo", "writeStream", "insertInto", "saveAsTable", "overwrite", "overwritePartitions"),
    *("newAppend", "newFastAppend", "newOverwrite", "newDelete", "newTransaction", "withCommitProperties"),
    *("createTable", "dropTable"),
}
WRITING_SQL = ("MERGE", "INSERT", "UPDATE", "DELETE", "ALTER", "CREATE", "DROP", "TRUNCATE", "CALL")


def ids(path):
    return str(path.relative_to(GLUE))


def nodes(path):
    return list(ast.walk(ast.parse(path.read_text("utf-8"))))


def attributes(path):
    return {node.attr for node in nodes(path) if isinstance(node, ast.Attribute)}


WRITERS = ("tables.py", "topic_table.py")


@pytest.mark.parametrize("path", [path for path in SOURCES if path.name not in WRITERS], ids=ids)
def test_nobody_else_commits(path):
    # What tasks write are files; the commit that makes them part of a table is topic_table's.
    files = ("data_files.py", "table_files.py", "topic_task.py")
    allowed = {"write"} if path.name in ("ledger.py", "log.py", "session.py", *files, *JOBS) else set()
    assert not (attributes(path) & WRITING_METHODS) - allowed
    called = [
        node for node in nodes(path) if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
    ]
    assert not [node for node in called if node.func.attr == "sql"], "SQL text is run in tables.py only"


# `ledger.write`, `sys.stdout.write` and `zipfile.write` are no table writes; anything else of that name is.
JOBS = ("standardized_job.py", "curated_job.py")


@pytest.mark.parametrize("name", JOBS)
def test_what_the_jobs_call_write_is_the_ledgers(name):
    writes = [
        node
        for node in nodes(GLUE / "lean_ops" / name)
        if isinstance(node, ast.Attribute) and node.attr == "write"
    ]
    assert [node.value.id for node in writes if isinstance(node.value, ast.Name)] == ["ledger"] * len(writes)


@pytest.mark.parametrize("path", [path for path in SOURCES if path.name != "session.py"], ids=ids)
def test_only_session_makes_a_session(path):
    # Iceberg's DataFiles has a builder too.
    others = set() if path.name == "topic_table.py" else {"builder"}
    assert not attributes(path) & {"newSession", "getOrCreate", "cloneSession", *others}


@pytest.mark.parametrize("path", [path for path in SOURCES if path.name != "aws.py"], ids=ids)
def test_only_aws_talks_to_aws(path):
    imported = {
        name.split(".")[0]
        for node in nodes(path)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in (
            [node.module or ""] if isinstance(node, ast.ImportFrom) else [item.name for item in node.names]
        )
    }
    assert not imported & {"boto3", "botocore"}


@pytest.mark.parametrize(
    "name",
    [
        *("json_text", "flatten", "names", "schema_evolution", "schemas", "arguments"),
        *(
            "table_shape",
            "table_owners",
            "catch_up_plan",
            "catch_up_report",
            "versions",
            "back_fill",
        ),
    ],
)
def test_decisions_are_plain_python(name):
    for node in nodes(GLUE / "lean_ops" / f"{name}.py"):
        if isinstance(node, ast.ImportFrom):
            assert not (node.module or "").startswith(("pyspark", "pyarrow")), name


@pytest.mark.parametrize("name", ["judge", "judge_batches", "casts", "constraints"])
def test_judging_needs_no_spark(name):
    """Nor does what it imports."""
    seen, todo = set(), {name}
    while todo:
        module = todo.pop()
        seen.add(module)
        for imported in imports(GLUE / "lean_ops" / f"{module}.py"):
            assert not imported.startswith("pyspark"), module
            if imported.startswith("lean_ops."):
                todo |= {imported.removeprefix("lean_ops.")} - seen


def imports(path):
    for node in nodes(path):
        if isinstance(node, ast.Import):
            yield from (item.name for item in node.names)
        if isinstance(node, ast.ImportFrom) and node.module == "lean_ops":
            yield from (f"lean_ops.{item.name}" for item in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""
