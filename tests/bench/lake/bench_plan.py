"""What the benchmarks' Python parts share: the plan that register.ts wrote, progress lines, and PyIceberg's
catalog."""

import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Field:
    """A field of a topic's payload. path: the names from the payload's root. kind: how its values are
    made."""

    path: tuple[str, ...]
    kind: str

    @property
    def column(self) -> str:
        return "__".join(self.path)


@dataclass(frozen=True, kw_only=True)
class Topic:
    """A topic of the benchmark. ddl: layer to Athena's CREATE TABLE."""

    number: int
    topic: str
    table: str
    fields: tuple[Field, ...]
    ddl: dict[str, str]


@dataclass(frozen=True)
class Plan:
    """The topics and where they are. folder: where the benchmark's parts leave files for one another."""

    folder: Path
    prefix: str
    lake: str
    topics: tuple[Topic, ...]

    def database(self, layer: str) -> str:
        return f"{self.prefix}_{layer}"


def read_plan(path: str) -> Plan:
    found = json.loads(Path(path).read_text(encoding="utf-8"))
    topics = tuple(
        Topic(
            number=number,
            topic=each["topic"],
            table=each["table"],
            fields=tuple(Field(tuple(field["path"]), field["kind"]) for field in each["fields"]),
            ddl=each["ddl"],
        )
        for number, each in enumerate(found["topics"])
    )
    return Plan(Path(path).parent, found["prefix"], found["lake"], topics)


def say(line: str) -> None:
    """Prints a line of progress. The dot sets it apart from the log lines of Spark and others."""
    print(f"· {line}", file=sys.stderr, flush=True)


def answer(result: Any) -> None:
    print(json.dumps(result), flush=True)


def iceberg_catalog() -> Any:
    """PyIceberg's Glue catalog on the stack that the environment names, as its root user."""
    from pyiceberg.catalog.glue import GlueCatalog

    settings = {
        "glue.endpoint": "AWS_ENDPOINT_URL",
        "glue.region": "AWS_REGION",
        "glue.access-key-id": "AWS_ACCESS_KEY_ID",
        "glue.secret-access-key": "AWS_SECRET_ACCESS_KEY",
        "s3.endpoint": "AWS_ENDPOINT_URL",
        "s3.region": "AWS_REGION",
        "s3.access-key-id": "AWS_ACCESS_KEY_ID",
        "s3.secret-access-key": "AWS_SECRET_ACCESS_KEY",
    }
    properties = {name: os.environ[variable] for name, variable in settings.items()}
    return GlueCatalog("bench", **{"py-io-impl": "pyiceberg.io.pyarrow.PyArrowFileIO"}, **properties)
