"""Reads the arguments of a job as AWS Glue passes them: `--key value` or `--key=value`, all text.

It does what awsglue.utils.getResolvedOptions does, but without Glue's own package, and reports all problems
at once. Arguments that a job does not know are ignored: Glue adds --JOB_NAME, --JOB_RUN_ID and more.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from lean_ops.columns import names
from lean_ops.errors import LeanOpsError

DEFAULT_REJECTED_PERCENT = 50
"""As variables_cycle.tf has it."""
DEFAULT_MAX_COLUMNS = 500
"""The most payload columns that a Standardized table gets, unless the job says otherwise."""

DEFAULT_CATALOG_CALLS = 100
"""Calls of the Glue catalog a second, unless the job says otherwise."""
DEFAULT_DRIVER_THREADS = 32
"""Topics that the driver works on at a time, unless the job says otherwise."""

DEFAULT_BUDGET_MINUTES = 10
"""Minutes of maintenance, unless the job says otherwise."""
DEFAULT_COMPACT_MINUTES = 50
"""Minutes of the compaction of one topic, unless the job says otherwise. What it does not come to, the next
one does."""
DEFAULT_REWIND_WINDOW_DAYS = 30
"""Days for which topics can be taken back, unless the job says otherwise."""

_ANY = re.compile(r"[A-Za-z0-9._-]*")
_DAYS = re.compile(r"[0-9]{1,5}")
_CYCLE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}")
_DATABASE_PREFIX = re.compile(r"[a-z][a-z0-9_]{0,63}")
_OPERATION_ID = re.compile(r"[0-9]{8}T[0-9]{6}Z-[a-z]+-[0-9a-f]{6}")
_SNAPSHOT_ID = re.compile(r"[0-9]{0,19}")
_BUCKET = re.compile(r"[a-z0-9.-]{0,63}")


class ArgumentError(LeanOpsError, ValueError):
    """The job was started with arguments that it cannot work with. The message lists all problems."""


@dataclass(frozen=True, kw_only=True)
class JobArguments:
    """The arguments of a layer's job.

    cycle_id: cycles sort by it in the order of time. to_snapshot_id: the snapshot of RAW up to which to read;
    "" when RAW has none. catalog_calls_per_second: of all threads of the driver together. driver_threads:
    how many topics the driver works on at a time. rejected_percent: the share of a cycle's messages past
    which their rejection makes a rewind be proposed; 0: none does.
    """

    cycle_id: str
    to_snapshot_id: str
    database_prefix: str
    schema_bucket: str
    registry_table: str
    checkpoint_table: str
    provisioner_function: str
    max_columns: int = DEFAULT_MAX_COLUMNS
    rejected_percent: int = DEFAULT_REJECTED_PERCENT
    catalog_calls_per_second: int = DEFAULT_CATALOG_CALLS
    driver_threads: int = DEFAULT_DRIVER_THREADS


def resolve_options(argv: Sequence[str]) -> dict[str, str]:
    """The options of a command line by name. Of several with one name the last counts; a bare `--key` is
    ""."""
    options: dict[str, str] = {}
    name: str | None = None
    for word in argv:
        if name is not None and not word.startswith("--"):
            options[name], name = word, None
        elif word.startswith("--"):
            name, equals, value = word[2:].partition("=")
            options[name] = value
            if equals:
                name = None
    return options


class _Options:
    """Reads options one by one and collects the problems with them."""

    def __init__(self, argv: Sequence[str]) -> None:
        self._given = resolve_options(argv)
        self.problems: list[str] = []

    def text(self, name: str, form: re.Pattern[str] | None = None, default: str | None = None) -> str:
        """The value of an option. Without a default the option must be given, and without a form not be
        empty."""
        value = self._given.get(name, default)
        if value is None or (form is None and value == ""):
            self.problems.append(f"--{name} is missing")
            return ""
        if form is not None and not form.fullmatch(value):
            self.problems.append(f"--{name} is {value!r}, which does not have the form {form.pattern}")
        return value

    def whole_number(self, name: str, most_digits: int, default: int) -> int:
        """The value of an option that is a whole number from 1 with at most so many digits."""
        value = self.text(name, re.compile(f"[1-9][0-9]{{0,{most_digits - 1}}}"), str(default))
        return int(value) if value.isascii() and value.isdigit() else default

    def percent(self, name: str, default: int) -> int:
        """The value of an option that is a whole number from 0 to 100."""
        value = self.text(name, re.compile("0|[1-9][0-9]?|100"), str(default))
        return int(value) if value.isascii() and value.isdigit() else default

    def limits(self) -> dict[str, int]:
        """The limits of the driver, which every job has."""
        return {
            "catalog_calls_per_second": self.whole_number(
                "catalog_calls_per_second", 4, DEFAULT_CATALOG_CALLS
            ),
            "driver_threads": self.whole_number("driver_threads", 3, DEFAULT_DRIVER_THREADS),
        }

    def flag(self, *spellings: str) -> bool:
        """True when one of the spellings is given with a value other than `false`."""
        values = {spelling: self._given.get(spelling) for spelling in spellings}
        for name, value in values.items():
            if value not in (None, "", "true", "false"):
                self.problems.append(f"--{name} is {value!r}, and may be true, false or stand alone")
        return any(value not in (None, "false") for value in values.values())

    def comma_separated(self, name: str) -> list[str]:
        """The items of an option that is a comma-separated list; none when the option is not given."""
        return [part.strip() for part in self._given.get(name, "").split(",") if part.strip()]

    def check(self) -> None:
        """Raises ArgumentError when any option that was read has a problem."""
        if self.problems:
            raise ArgumentError("; ".join(self.problems))


def parse_arguments(argv: Sequence[str]) -> JobArguments:
    """Reads the arguments of a layer's job. argv: sys.argv[1:].

    Raises ArgumentError with every argument that is missing or unusable.
    """
    options = _Options(argv)
    arguments = JobArguments(
        cycle_id=options.text("cycle_id", _CYCLE_ID),
        to_snapshot_id=options.text("to_snapshot_id", _SNAPSHOT_ID, ""),
        database_prefix=options.text("database_prefix", _DATABASE_PREFIX),
        schema_bucket=options.text("schema_bucket"),
        registry_table=options.text("registry_table"),
        checkpoint_table=options.text("checkpoint_table"),
        provisioner_function=options.text("provisioner_function"),
        max_columns=options.whole_number("max_columns", 4, DEFAULT_MAX_COLUMNS),
        rejected_percent=options.percent("propose_rewind_rejected_percent", DEFAULT_REJECTED_PERCENT),
        **options.limits(),
    )
    options.check()
    return arguments


@dataclass(frozen=True, kw_only=True)
class CatchUpArguments:
    """The arguments of historical_catch_up.

    topics: the topics to work on; when empty, all. owners: table names, each with the topic that a person
    says owns it.
    """

    database_prefix: str
    schema_bucket: str
    registry_table: str
    topics: tuple[str, ...] = ()
    owners: Mapping[str, str] = field(default_factory=dict)
    dry_run: bool = False
    catalog_calls_per_second: int = DEFAULT_CATALOG_CALLS
    driver_threads: int = DEFAULT_DRIVER_THREADS


def parse_catch_up_arguments(argv: Sequence[str]) -> CatchUpArguments:
    """Reads the arguments of historical_catch_up: --topics a,b, --owners table=topic,… and --dry-run.

    Raises ArgumentError as parse_arguments does.
    """
    options = _Options(argv)
    topics = options.comma_separated("topics")
    options.problems += [f"--topics names {name!r}, which is no topic name" for name in _not_topics(topics)]
    owners: dict[str, str] = {}
    for pair in options.comma_separated("owners"):
        table, _, topic = (part.strip() for part in pair.partition("="))
        if not names.is_topic(topic) or names.table_name(topic) != table:
            options.problems.append(
                f"--owners has {pair!r}, which is not table=topic with that topic's table"
            )
        elif owners.setdefault(table, topic) != topic:
            options.problems.append(f"--owners gives {table} to {owners[table]} and to {topic}")
    arguments = CatchUpArguments(
        database_prefix=options.text("database_prefix", _DATABASE_PREFIX),
        schema_bucket=options.text("schema_bucket"),
        registry_table=options.text("registry_table"),
        topics=tuple(sorted(set(topics))),
        owners=owners,
        # Glue's arguments usually have underscores, so either spelling will do. Of both at once the careful
        # one counts.
        dry_run=options.flag("dry-run", "dry_run"),
        **options.limits(),
    )
    options.check()
    return arguments


@dataclass(frozen=True, kw_only=True)
class MaintenanceArguments:
    """The arguments of the job maintenance.

    cycle_id: that of the lease under which it runs. budget_minutes: after so many it begins nothing more.
    rewind_window_days: for how many days back topics can be taken to an earlier state. raw_retention_days:
    how long RAW is kept; None for ever.
    """

    cycle_id: str
    database_prefix: str
    registry_table: str
    checkpoint_table: str
    operations_table: str
    budget_minutes: int = DEFAULT_BUDGET_MINUTES
    rewind_window_days: int = DEFAULT_REWIND_WINDOW_DAYS
    raw_retention_days: int | None = None
    catalog_calls_per_second: int = DEFAULT_CATALOG_CALLS
    driver_threads: int = DEFAULT_DRIVER_THREADS


def parse_maintenance_arguments(argv: Sequence[str]) -> MaintenanceArguments:
    """Reads the arguments of the job maintenance. --raw_retention_days 0 stands for ever.

    Raises ArgumentError as parse_arguments does.
    """
    options = _Options(argv)
    kept = options.text("raw_retention_days", _DAYS, "0")
    arguments = MaintenanceArguments(
        cycle_id=options.text("cycle_id", _CYCLE_ID),
        database_prefix=options.text("database_prefix", _DATABASE_PREFIX),
        registry_table=options.text("registry_table"),
        checkpoint_table=options.text("checkpoint_table"),
        operations_table=options.text("operations_table"),
        budget_minutes=options.whole_number("budget_minutes", 3, DEFAULT_BUDGET_MINUTES),
        rewind_window_days=options.whole_number("rewind_window_days", 3, DEFAULT_REWIND_WINDOW_DAYS),
        raw_retention_days=int(kept) if _DAYS.fullmatch(kept) and int(kept) else None,
        **options.limits(),
    )
    options.check()
    return arguments


def _not_topics(topics: Sequence[str]) -> list[str]:
    return [name for name in topics if not names.is_topic(name)]


@dataclass(frozen=True, kw_only=True)
class OperationArguments:
    """The arguments of the job operation.

    operation_id: names the item that says what is to be done. budget_minutes, rewind_window_days: as in
    MaintenanceArguments, for a compaction. schema_bucket, max_columns: as in JobArguments, for a rebuild.
    lake_bucket, archive_bucket, archive_table, idempotency_table: where an erasure looks besides; "" where
    the job was deployed without them.
    """

    operation_id: str
    database_prefix: str
    operations_table: str
    registry_table: str
    checkpoint_table: str
    schema_bucket: str = ""
    max_columns: int = DEFAULT_MAX_COLUMNS
    lake_bucket: str = ""
    archive_bucket: str = ""
    archive_table: str = ""
    idempotency_table: str = ""
    budget_minutes: int = DEFAULT_COMPACT_MINUTES
    rewind_window_days: int = DEFAULT_REWIND_WINDOW_DAYS
    catalog_calls_per_second: int = DEFAULT_CATALOG_CALLS
    driver_threads: int = DEFAULT_DRIVER_THREADS


def parse_operation_arguments(argv: Sequence[str]) -> OperationArguments:
    """Reads the arguments of the job operation. Raises ArgumentError as parse_arguments does."""
    options = _Options(argv)
    arguments = OperationArguments(
        operation_id=options.text("operation_id", _OPERATION_ID),
        database_prefix=options.text("database_prefix", _DATABASE_PREFIX),
        operations_table=options.text("operations_table"),
        registry_table=options.text("registry_table"),
        checkpoint_table=options.text("checkpoint_table"),
        schema_bucket=options.text("schema_bucket", _BUCKET, ""),
        max_columns=options.whole_number("max_columns", 4, DEFAULT_MAX_COLUMNS),
        lake_bucket=options.text("lake_bucket", _ANY, ""),
        archive_bucket=options.text("archive_bucket", _ANY, ""),
        archive_table=options.text("archive_table", _ANY, ""),
        idempotency_table=options.text("idempotency_table", _ANY, ""),
        budget_minutes=options.whole_number("budget_minutes", 3, DEFAULT_COMPACT_MINUTES),
        rewind_window_days=options.whole_number("rewind_window_days", 3, DEFAULT_REWIND_WINDOW_DAYS),
        **options.limits(),
    )
    options.check()
    return arguments
