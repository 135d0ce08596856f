import pytest

from lean_ops.ports.job_arguments import (
    ArgumentError,
    parse_arguments,
    parse_catch_up_arguments,
    parse_maintenance_arguments,
    parse_operation_arguments,
    resolve_options,
)

GIVEN = {
    "cycle_id": "20261123T100000Z-0a1b2c3d",
    "to_snapshot_id": "5965339082329644022",
    "database_prefix": "lean_ops",
    "lake_bucket": "lake",
    "schema_bucket": "schemas",
    "registry_table": "registry",
    "checkpoint_table": "checkpoints",
    "provisioner_function": "provisioner",
}


def line(**changes):
    values = {name: value for name, value in {**GIVEN, **changes}.items() if value is not None}
    return [word for name, value in values.items() for word in (f"--{name}", value)]


def test_what_glue_adds_is_ignored():
    arguments = parse_arguments(
        ["--JOB_NAME", "x", *line(), "--enable-metrics", "--JOB_RUN_ID", "jr_1", "--TempDir", ""]
    )
    assert (arguments.cycle_id, arguments.max_columns) == (GIVEN["cycle_id"], 500)
    assert arguments.to_snapshot_id == "5965339082329644022"


def test_every_problem_is_named_at_once():
    with pytest.raises(ArgumentError) as caught:
        parse_arguments(
            line(registry_table=None, database_prefix="x; DROP", max_columns="many", cycle_id="a b")
        )
    for name in ("registry_table", "database_prefix", "max_columns", "cycle_id"):
        assert f"--{name}" in str(caught.value)


def test_every_job_has_the_limits_of_its_driver():
    given = line(catalog_calls_per_second="7", driver_threads="3")
    for parse in (parse_arguments, parse_catch_up_arguments):
        limits = parse(given)
        assert (limits.catalog_calls_per_second, limits.driver_threads) == (7, 3)
        with pytest.raises(ArgumentError, match=r"--catalog_calls_per_second.*--driver_threads"):
            parse(line(catalog_calls_per_second="0", driver_threads="many"))
    assert parse_arguments(line()).catalog_calls_per_second == 100


def test_an_operation_has_the_budget_and_the_window_that_the_deployment_gives_it():
    of = {"operation_id": "20261130T062500Z-compact-ab12cd", "operations_table": "operations"}
    given = parse_operation_arguments(line(**of, budget_minutes="7", rewind_window_days="90"))
    assert (given.budget_minutes, given.rewind_window_days) == (7, 90)
    with pytest.raises(ArgumentError, match="--budget_minutes"):
        parse_operation_arguments(line(**of, budget_minutes="0"))


@pytest.mark.parametrize("none", [None, ""])
def test_raw_may_have_no_snapshot_yet(none):
    assert parse_arguments(line(to_snapshot_id=none)).to_snapshot_id == ""


@pytest.mark.parametrize(
    ("words", "options"),
    [
        (["--a", "1", "--b=2"], {"a": "1", "b": "2"}),
        (["--a", "--b", "2"], {"a": "", "b": "2"}),
        (["--a", "1", "--a", "2"], {"a": "2"}),
        (["--a=", "x"], {"a": ""}),
        (["--a=x=y"], {"a": "x=y"}),
        (["stray", "--a", "-1"], {"a": "-1"}),
    ],
)
def test_options_are_read_as_glue_passes_them(words, options):
    assert resolve_options(words) == options


def test_a_catch_up_is_of_all_topics_and_writes_unless_an_argument_says_otherwise():
    arguments = parse_catch_up_arguments(line())
    assert (arguments.topics, arguments.owners, arguments.dry_run) == ((), {}, False)
    limited = parse_catch_up_arguments(line(topics="b.c, a,,a", owners="b_c=b.c,x_y=x-y"))
    assert (limited.topics, limited.owners) == (("a", "b.c"), {"b_c": "b.c", "x_y": "x-y"})


@pytest.mark.parametrize(
    ("words", "dry"),
    [
        (["--dry-run"], True),
        (["--dry_run", "true"], True),
        (["--dry-run", "false"], False),
        (["--dry-run=true", "--dry-run=false"], False),
        # The deployed job's default in one spelling and an argument in the other: the careful one counts.
        (["--dry-run", "true", "--dry_run", "false"], True),
    ],
)
def test_a_dry_run_is_asked_for_in_either_spelling(words, dry):
    assert parse_catch_up_arguments([*line(), *words]).dry_run is dry


def test_every_problem_of_a_catch_up_is_named_at_once():
    with pytest.raises(ArgumentError) as caught:
        parse_catch_up_arguments(
            line(
                registry_table=None,
                schema_bucket=None,
                topics="Upper,fine",
                owners="a_b=a.b,a_b=a-b,wrong=other,nothing",
                **{"dry-run": "maybe"},
            )
        )
    text = str(caught.value)
    for part in (
        "registry_table",
        "schema_bucket",
        "'Upper'",
        "a_b to a.b and to a-b",
        "'wrong=other'",
        "'nothing'",
    ):
        assert part in text
    assert "--dry-run is 'maybe'" in text
    assert "'fine'" not in text


MAINTENANCE = [
    "--cycle_id",
    "c-1",
    "--database_prefix",
    "lean_ops",
    "--registry_table",
    "r",
    "--checkpoint_table",
    "p",
    "--operations_table",
    "o",
]


def test_raw_is_kept_for_ever_unless_maintenance_is_told_otherwise():
    assert parse_maintenance_arguments(MAINTENANCE).raw_retention_days is None
    assert parse_maintenance_arguments([*MAINTENANCE, "--raw_retention_days", "0"]).raw_retention_days is None
    given = ["--raw_retention_days", "400", "--rewind_window_days=7", "--budget_minutes", "5"]
    found = parse_maintenance_arguments([*MAINTENANCE, *given])
    assert (found.raw_retention_days, found.rewind_window_days, found.budget_minutes) == (400, 7, 5)


def test_every_problem_of_maintenance_is_named_at_once():
    with pytest.raises(ArgumentError) as caught:
        parse_maintenance_arguments(["--raw_retention_days", "-1", "--budget_minutes", "0"])
    for part in (
        "cycle_id",
        "database_prefix",
        "registry_table",
        "checkpoint_table",
        "budget_minutes",
        "raw_retention",
    ):
        assert part in str(caught.value)
