"""The list of what the jobs call in Java, against the code, a JVM, and JVMs that lack some of it."""

import ast
import re
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from lake import EPOCH, Event
from maintained import keep_few, maintain
from py4j.java_gateway import JavaClass, JavaMember, JavaObject

from lean_ops.entrypoint import layer_main
from lean_ops.maintenance import debt, raw_days
from lean_ops.spark import iceberg_classes, java_api

LIBRARY = Path(java_api.__file__).parents[1]
LISTS = (
    *(java_api.NEEDED, java_api.NEEDED_BY_TASKS, java_api.NEEDED_BY_MOVES),
    *(java_api.NEEDED_BY_MAINTENANCE, java_api.NEEDED_BY_REBUILD, java_api.NEEDED_BY_ERASURE),
)
LIST = {name: {member for one in LISTS for member in one.get(name, ())} for one in LISTS for name in one}
LATER = EPOCH + timedelta(days=60)
ABSENT = {
    "org.apache.iceberg.NotThere": [],
    "org.apache.iceberg.SnapshotParser": ["toYaml()", "toJson(long)"],
}
COMPARED = {"org.apache.iceberg.aws.s3.S3FileIO"}
"""Values of settings that the code compares with, and calls nothing of."""
MISSING = [
    "org.apache.iceberg.NotThere",
    "org.apache.iceberg.SnapshotParser.toJson(long)",
    "org.apache.iceberg.SnapshotParser.toYaml()",
]


@pytest.fixture
def fresh_classes():
    """The classes are looked up once in a process; these tests look again."""
    iceberg_classes.iceberg_of.cache_clear()
    yield
    iceberg_classes.iceberg_of.cache_clear()


def chains(path):
    """The classes of Iceberg that a module names: as `package.a.B`, or in a text."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        text = ast.unparse(node) if isinstance(node, ast.Attribute | ast.Constant) else ""
        if path.name == "iceberg_classes.py" and text.startswith("package."):
            yield f"org.apache.iceberg.{text.removeprefix('package.')}"
        elif found := re.search(r"org\.apache\.iceberg\.[\w.$]+", text):
            yield found[0]


def test_every_class_in_the_code_is_on_the_list():
    classes = {name.replace("$", ".") for name in LIST}
    # Each chain comes with its own beginnings, of which the longest is the class.
    named = {
        name
        for path in LIBRARY.rglob("*.py")
        if path.name != "java_api.py"
        for name in chains(path)
        if not any(known.startswith(f"{name}.") for known in classes)
    }
    assert named
    assert named - COMPARED <= classes
    for path in LIBRARY.rglob("*.py"):
        if path.name not in ("java_api.py", "iceberg_classes.py", "session.py"):
            assert not re.search(r"_?jvm\.(?!_)|java_import", path.read_text("utf-8")), path


def test_the_jvm_of_the_tests_has_all_of_it(spark):
    assert java_api.missing_in(spark._jvm, java_api.NEEDED) == []
    assert java_api.missing_in(spark._jvm, java_api.NEEDED_BY_TASKS) == []
    assert java_api.missing_in(spark._jvm, java_api.NEEDED_BY_MOVES) == []
    assert java_api.missing_in(spark._jvm, java_api.NEEDED_BY_MAINTENANCE) == []
    assert java_api.missing_in(spark._jvm, java_api.NEEDED_BY_REBUILD) == []
    assert java_api.missing_in(spark._jvm, java_api.NEEDED_BY_ERASURE) == []


def test_what_is_missing_is_named(spark):
    assert java_api.missing_in(spark._jvm, ABSENT) == MISSING


def recorded(monkeypatch):
    """Records what the library calls in Java, as (class, method, number of parameters)."""
    calls, busy = set(), []
    call = JavaMember.__call__

    def recording(self, *args):
        caller = sys._getframe(1).f_code.co_filename
        if caller.startswith(str(LIBRARY)) and not caller.endswith("java_api.py") and not busy:
            busy.append(True)
            try:
                container = self.container
                if isinstance(container, JavaClass):
                    calls.add((container._fqn, self.name, len(args)))
                elif isinstance(container, JavaObject):
                    calls.add((container.getClass(), self.name, len(args)))
            finally:
                busy.pop()
        return call(self, *args)

    monkeypatch.setattr(JavaMember, "__call__", recording)
    return calls


def is_listed(loaded, classes, method, parameters):
    """Whether the list has a method of a class or of what it inherits."""
    pattern = re.compile(rf"{re.escape(method)}\((.*)\)")
    for name, one in classes.items():
        counts = [
            len([p for p in found[1].split(",") if p])
            for member in LIST[name]
            if (found := pattern.fullmatch(member))
        ]
        if parameters in counts and one.isAssignableFrom(loaded):
            return True
    return False


@pytest.mark.parametrize("way", ["compacting", "by_spark"])
def test_every_method_that_a_history_calls_is_on_the_list(lake, monkeypatch, request, way):
    request.getfixturevalue(way)
    calls = recorded(monkeypatch)
    lake.activate("telemetry.climate", 1, {"temperature": {"type": "number"}})
    lake.standardize(Event())
    lake.curate()
    lake.standardize(Event({"temperature": 3, "more": 1}, produced=5), Event(message_id="b"))
    lake.curate()
    lake.standardize(Event("{", message_id="c"))
    lake.curate()
    keep_few(monkeypatch, 1)
    monkeypatch.setattr(debt, "MIN_SMALL_FILES", 2)
    monkeypatch.setattr(raw_days, "MIN_DEPTH", 2)
    maintain(lake, at=LATER)
    assert {"cycles dropped", "snapshots expired", "table rewritten", "day of RAW compacted"} <= {
        line["message"] for line in lake.logged
    }
    monkeypatch.undo()
    jvm = lake.spark._jvm
    loader = jvm.java.lang.Thread.currentThread().getContextClassLoader()
    load = jvm.java.lang.Class.forName
    classes = {name: load(name, False, loader) for name in LIST}
    # What Iceberg gives as a collection has the methods of Java's own interfaces.
    collections = [jvm.java.util.Collection, jvm.java.util.Map, jvm.java.util.Iterator]
    collections = [load(one._fqn, False, loader) for one in collections]
    unlisted = set()
    for owner, method, parameters in calls:
        loaded = load(owner, False, loader) if isinstance(owner, str) else owner
        name = loaded.getName()
        if any(one.isAssignableFrom(loaded) for one in collections):
            continue
        if name.startswith("org.apache.iceberg.") and not is_listed(loaded, classes, method, parameters):
            unlisted.add(f"{name}.{method} with {parameters} parameters")
    assert len(calls) > 40
    assert sorted(unlisted) == []


def test_a_job_ends_at_once_where_the_jvm_lacks_what_all_need(lake, monkeypatch, fresh_classes):
    monkeypatch.setattr(java_api, "NEEDED", {**java_api.NEEDED, **ABSENT})
    logged = []
    lake.deliver(Event())
    with (
        pytest.raises(SystemExit) as raised,
        layer_main.logged_failure(lambda message, **fields: logged.append({"message": message, **fields})),
    ):
        lake.standardize()
    assert raised.value.code == (
        f"JavaApiError: Iceberg 1.10.0 lacks what the jobs call: {', '.join(MISSING)}"
    )
    (line,) = logged
    assert (line["message"], line["missing"], line["iceberg"]) == ("run failed", MISSING, "1.10.0")
    assert lake.rows("ops.cycle_delta") == []


class Absent:
    """Stands for a class that the JVM lacks."""

    def __getattr__(self, name):
        raise TypeError("'JavaPackage' object is not callable")


def test_spark_does_all_work_where_the_jvm_lacks_what_tasks_need(lake, monkeypatch, fresh_classes):
    monkeypatch.setattr(java_api, "NEEDED_BY_TASKS", {**java_api.NEEDED_BY_TASKS, **ABSENT})
    iceberg = iceberg_classes.iceberg_of(lake.spark._jvm)
    for name in ("specs", "data_files", "metrics_config", "parquet", "footers"):
        monkeypatch.setattr(iceberg, name, Absent())
    lake.activate("telemetry.climate", 1, {"temperature": {"type": "number"}})
    for n in range(2):
        lake.standardize(Event({"temperature": n}, produced=n), Event({"temperature": 9}, message_id=f"b{n}"))
        assert lake.curate().trouble() is None
    rows = lake.by_key("curated.telemetry_climate")
    assert {key: row["temperature"] for key, row in rows.items()} == {"0199-a": 1, "b0": 9, "b1": 9}
    for layer in ("standardized", "curated"):
        received, found = lake.balance(layer)
        assert received == found > 0
    logged = [line for line in lake.logged if line["message"] == "RAW goes by Spark"]
    assert [line["reason"] for line in logged] == [f"Iceberg lacks {', '.join(MISSING)}"] * 2


def test_a_run_begins_with_the_versions_that_it_has_found(spark, monkeypatch, fresh_classes):
    logged = []
    monkeypatch.setattr(java_api, "NEEDED_BY_TASKS", ABSENT)
    layer_main.log_runtime(lambda message, **fields: logged.append({"message": message, **fields}), spark)
    started, lacks = logged
    assert started["message"] == "run started"
    assert (started["spark"], started["iceberg"]) == ("3.5.6", "1.10.0")
    assert (started["pyarrow"], started["numpy"], started["boto3"]) == ("22.0.0", "2.3.4", "1.40.61")
    assert (lacks["level"], lacks["missing"]) == ("WARN", MISSING)
