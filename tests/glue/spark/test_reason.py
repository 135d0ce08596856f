"""An error in one line: what went wrong at the bottom of it, and the same line each time."""

import json
import traceback
from pathlib import Path

import pytest
from py4j.protocol import Py4JJavaError

from lean_ops.entrypoint.layer_main import logged_failure
from lean_ops.errors import LeanOpsError, access_denied, reason
from lean_ops.spark.iceberg_classes import iceberg_of

ROOT = Path(__file__).parents[3]


def reason_of(call):
    try:
        call()
    except Exception as error:
        return reason(error)
    raise AssertionError("nothing was raised")


@pytest.fixture(scope="module")
def unreadable(job_session):
    """A table that Spark cannot read. Only Iceberg's own API makes one."""
    job_session.sql("CREATE NAMESPACE IF NOT EXISTS glue_catalog.reasons")
    name = "glue_catalog.reasons.unreadable"
    job_session.sql(f"CREATE TABLE {name} USING iceberg AS SELECT 'a' AS a")
    table = iceberg_of(job_session._jvm).spark_util.loadIcebergTable(job_session._jsparkSession, name)
    text = job_session._jvm.org.apache.iceberg.types.Types.StringType.get()
    table.updateSchema().addColumn("_deleted", text).commit()
    job_session.sql(f"REFRESH TABLE {name}")
    return name


def test_a_failure_in_java_is_told_by_its_innermost_cause(job_session, unreadable):
    def read():
        job_session.sql(f"SELECT * FROM {unreadable}").collect()

    assert reason_of(read) == reason_of(read)
    assert reason_of(read) == (
        "ValidationException: Table column names conflict with names reserved for Iceberg metadata columns: "
        "[_deleted]."
    )


def test_a_failure_on_an_executor_is_told_without_spark_around_it(job_session):
    def run():
        job_session.range(3).selectExpr("assert_true(id < 2, concat('odd ', id))").collect()

    assert reason_of(run) == reason_of(run)
    assert "odd 2" in reason_of(run)
    assert "stage" not in reason_of(run)
    assert "Py4J" not in reason_of(run)


def _fails(_):
    raise ValueError("first line\nsecond line")
    yield


def _fails_by_itself(_):
    raise LeanOpsError("do this: or that")
    yield


def test_a_failure_in_python_on_an_executor_is_told_as_python_tells_it(job_session):
    def run(function):
        return lambda: job_session.range(1).mapInArrow(function, "id bigint").collect()

    assert reason_of(run(_fails)) == "ValueError: first line"
    assert reason_of(run(_fails_by_itself)) == "LeanOpsError: do this: or that"


def test_a_statement_that_spark_refuses_is_told_in_one_line(job_session):
    def refused():
        job_session.sql("SELECT x FROM glue_catalog.reasons.nowhere")

    assert reason_of(refused).startswith("AnalysisException: [TABLE_OR_VIEW_NOT_FOUND] The table or view ")
    assert "\n" not in reason_of(refused)


def test_a_call_that_java_does_not_know_is_told_without_the_object(job_session):
    def unknown():
        job_session._jsparkSession.nothing(1)

    assert reason_of(unknown) == reason_of(unknown)
    assert "nothing" in reason_of(unknown)


def test_what_the_driver_calls_java_for_is_told_by_java(job_session):
    missing = job_session._jvm.java.io.FileNotFoundException("a/0b9f3f5c-6a51-4c9c-8d2b-0123456789ab.parquet")
    wrapped = job_session._jvm.java.lang.RuntimeException("a wrapper", missing)
    error = Py4JJavaError("An error occurred while calling o34812.sql.\n", wrapped)
    assert reason(error) == "FileNotFoundException: a/….parquet"


def test_the_librarys_own_words_stay_and_others_give_their_cause():
    own, other = LeanOpsError("do this"), ValueError("outer")
    own.__cause__ = KeyError("inner")
    other.__cause__ = KeyError("inner")
    assert reason(own) == "LeanOpsError: do this"
    assert reason(other) == "KeyError: 'inner'"
    assert reason(ValueError()) == "ValueError"
    assert reason(ValueError("a\n" * 1_000 + "b")) == "ValueError: a"
    assert len(reason(ValueError("a" * 1_000))) == 500
    circle = ValueError("a")
    circle.__cause__ = circle
    assert reason(circle) == "ValueError: a"


def test_what_ends_a_run_is_logged_and_said_in_one_line(job_session, unreadable, capsys):
    logged = []
    with (
        pytest.raises(SystemExit) as ended,
        logged_failure(lambda message, **fields: logged.append((message, fields))),
    ):
        job_session.sql(f"SELECT * FROM {unreadable}").collect()
    [(message, fields)] = logged
    assert (message, fields["level"]) == ("run failed", "ERROR")
    assert fields["reason"].startswith("ValidationException: Table column names conflict")
    # Glue shows a run's outermost error, which is this one then, and its log has the whole stack.
    assert ended.value.code == fields["reason"]
    assert "Py4JJavaError" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        (
            "denied (Service: S3, Status Code: 403, Request ID: 4Q2X, Extended Request ID: a/b=)",
            "403, Request ID: …",
        ),
        ("Lost task 0.0 in stage 3.0 (TID 70) (10.0.3.7:41234)", "(TID …) (…)"),
        ("no file 00012-731-6f9619ff-8b86-d011-b42d-00c04fc964ff.parquet", "no file …….parquet"),
        ("cannot find snapshot 8923458723045987234", "cannot find snapshot …"),
        ("org.x.Foo@1a2b3c4d is closed", "org.x.Foo@… is closed"),
    ],
)
def test_what_only_names_the_run_is_left_out(message, shown):
    assert shown in reason(ValueError(message))
    assert reason(ValueError("column 5 of 12 has no type")) == "ValueError: column 5 of 12 has no type"


def test_a_traceback_says_the_cause_and_not_what_it_caused():
    def raised(last):
        try:
            try:
                {}["device"]
            except KeyError as error:
                raise last from error
        except Exception:
            return traceback.format_exc()

    assert reason(RuntimeError(raised(ValueError("no such row")))) == "KeyError: 'device'"
    wrapped = raised(LeanOpsError("the table is gone: restore it"))
    assert reason(RuntimeError(wrapped)) == "LeanOpsError: the table is gone: restore it"


DENIALS = json.loads((ROOT / "tests/conformance/denials.json").read_text(encoding="utf-8"))
AROUND = (
    "{}",
    "failed (Service: Glue, Status Code: 400): {} (Request ID: 4Q2X)",
    "Traceback (most recent call last):\n  File 'a.py', line 1\nbotocore.errorfactory.ClientError: {}\n",
)


@pytest.mark.parametrize("denial", DENIALS)
def test_a_missing_right_is_said_in_words(denial):
    assert access_denied(denial["message"]) == denial["said"]


@pytest.mark.parametrize("around", AROUND)
@pytest.mark.parametrize("denial", [denial for denial in DENIALS if denial["said"]])
def test_the_reason_of_a_denial_is_what_was_denied(around, denial):
    assert reason(RuntimeError(around.format(denial["message"]))) == denial["said"]
