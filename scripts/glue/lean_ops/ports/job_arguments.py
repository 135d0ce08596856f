"""Job arguments as AWS Glue passes them: `--key value` or `--key=value`, all text.

Like awsglue.utils.getResolvedOptions, but it runs without Glue's own package and reports every fault at once.
Arguments that a job does not know (Glue adds --JOB_NAME, --JOB_RUN_ID and more) are ignored.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from lean_ops.columns import names
from lean_ops.errors import LeanOpsError

DEFAULT_MAX_COLUMNS = 500

_CYCLE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}")
_DATABASE_PREFIX = re.compile(r"[a-z][a-z0-9_]{0,63}")
_SNAPSHOT_ID = re.compile(r"[0-9]{0,19}")


class ArgumentError(LeanOpsError, ValueError):
    """The job was started with arguments it cannot work with; the message lists all of them."""


@dataclass(frozen=True)
class JobArguments:
    """cycle_id sorts by time. to_snapshot_id is RAW's snapshot to read up to, "" when RAW has none."""

    cycle_id: str
    to_snapshot_id: str
    database_prefix: str
    schema_bucket: str
    registry_table: str
    checkpoint_table: str
    provisioner_function: str
    max_columns: int = DEFAULT_MAX_COLUMNS


def resolve_options(argv: Sequence[str]) -> dict[str, str]:
    """Options of a command line; the last one of a name counts. A bare `--key` counts as ""."""
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
    """Reads options one by one and remembers what is wrong with them."""

    def __init__(self, argv: Sequence[str]) -> None:
        self._given = resolve_options(argv)
        self.faults: list[str] = []

    def text(self, name: str, form: re.Pattern[str] | None = None, default: str | None = None) -> str:
        value = self._given.get(name, default)
        if value is None or (form is None and value == ""):
            self.faults.append(f"--{name} is missing")
            return ""
        if form is not None and not form.fullmatch(value):
            self.faults.append(f"--{name} is {value!r}, which does not have the form {form.pattern}")
        return value

    def flag(self, *spellings: str) -> bool:
        """True when one of the spellings is there, unless its value is `false`."""
        values = {spelling: self._given.get(spelling) for spelling in spellings}
        for name, value in values.items():
            if value not in (None, "", "true", "false"):
                self.faults.append(f"--{name} is {value!r}, and may be true, false or stand alone")
        return any(value not in (None, "false") for value in values.values())

    def listed(self, name: str) -> list[str]:
        """A comma-separated list; empty when the option is not there."""
        return [part.strip() for part in self._given.get(name, "").split(",") if part.strip()]

    def check(self) -> None:
        if self.faults:
            raise ArgumentError("; ".join(self.faults))


def parse_arguments(argv: Sequence[str]) -> JobArguments:
    """Reads sys.argv[1:]. Raises ArgumentError naming every argument that is missing or unusable."""
    options = _Options(argv)
    columns = options.text("max_columns", re.compile(r"[1-9][0-9]{0,3}"), str(DEFAULT_MAX_COLUMNS))
    arguments = JobArguments(
        cycle_id=options.text("cycle_id", _CYCLE_ID),
        to_snapshot_id=options.text("to_snapshot_id", _SNAPSHOT_ID, ""),
        database_prefix=options.text("database_prefix", _DATABASE_PREFIX),
        schema_bucket=options.text("schema_bucket"),
        registry_table=options.text("registry_table"),
        checkpoint_table=options.text("checkpoint_table"),
        provisioner_function=options.text("provisioner_function"),
        max_columns=int(columns) if columns.isdigit() else DEFAULT_MAX_COLUMNS,
    )
    options.check()
    return arguments


@dataclass(frozen=True)
class CatchUpArguments:
    """topics: these only; none means all. owners: table name to the topic that a person says owns it."""

    database_prefix: str
    schema_bucket: str
    registry_table: str
    topics: tuple[str, ...] = ()
    owners: Mapping[str, str] = field(default_factory=dict)
    dry_run: bool = False


def parse_catch_up_arguments(argv: Sequence[str]) -> CatchUpArguments:
    """As parse_arguments, for historical_catch_up: --topics a,b and --owners table=topic,… and --dry-run."""
    options = _Options(argv)
    topics = options.listed("topics")
    options.faults += [f"--topics names {name!r}, which is no topic name" for name in _not_topics(topics)]
    owners: dict[str, str] = {}
    for pair in options.listed("owners"):
        table, _, topic = (part.strip() for part in pair.partition("="))
        if not names.is_topic(topic) or names.table_name(topic) != table:
            options.faults.append(f"--owners has {pair!r}, which is not table=topic with that topic's table")
        elif owners.setdefault(table, topic) != topic:
            options.faults.append(f"--owners gives {table} to {owners[table]} and to {topic}")
    arguments = CatchUpArguments(
        database_prefix=options.text("database_prefix", _DATABASE_PREFIX),
        schema_bucket=options.text("schema_bucket"),
        registry_table=options.text("registry_table"),
        topics=tuple(sorted(set(topics))),
        owners=owners,
        # Glue's arguments have underscores as a rule; either will do, and both at once mean the careful one.
        dry_run=options.flag("dry-run", "dry_run"),
    )
    options.check()
    return arguments


def _not_topics(topics: Sequence[str]) -> list[str]:
    return [name for name in topics if not names.is_topic(name)]
