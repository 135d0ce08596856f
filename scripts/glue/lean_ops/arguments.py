"""Job arguments as AWS Glue passes them: `--key value` or `--key=value`, all text.

Like awsglue.utils.getResolvedOptions, but it runs without Glue's own package and reports every fault at once.
Arguments that a job does not know (Glue adds --JOB_NAME, --JOB_RUN_ID and more) are ignored.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

DEFAULT_MAX_COLUMNS = 500

_CYCLE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}")
_DATABASE_PREFIX = re.compile(r"[a-z][a-z0-9_]{0,63}")
_SNAPSHOT_ID = re.compile(r"[0-9]{0,19}")


class ArgumentError(ValueError):
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


def parse_arguments(argv: Sequence[str]) -> JobArguments:
    """Reads sys.argv[1:]. Raises ArgumentError naming every argument that is missing or unusable."""
    options = resolve_options(argv)
    faults: list[str] = []

    def text(name: str, form: re.Pattern[str] | None = None, default: str | None = None) -> str:
        value = options.get(name, default)
        if value is None or (form is None and value == ""):
            faults.append(f"--{name} is missing")
            return ""
        if form is not None and not form.fullmatch(value):
            faults.append(f"--{name} is {value!r}, which does not have the form {form.pattern}")
        return value

    columns = text("max_columns", re.compile(r"[1-9][0-9]{0,3}"), str(DEFAULT_MAX_COLUMNS))
    arguments = JobArguments(
        cycle_id=text("cycle_id", _CYCLE_ID),
        to_snapshot_id=text("to_snapshot_id", _SNAPSHOT_ID, ""),
        database_prefix=text("database_prefix", _DATABASE_PREFIX),
        schema_bucket=text("schema_bucket"),
        registry_table=text("registry_table"),
        checkpoint_table=text("checkpoint_table"),
        provisioner_function=text("provisioner_function"),
        max_columns=int(columns) if columns.isdigit() else DEFAULT_MAX_COLUMNS,
    )
    if faults:
        raise ArgumentError("; ".join(faults))
    return arguments
