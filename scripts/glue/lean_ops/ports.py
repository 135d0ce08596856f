"""What the jobs need from outside Spark, as small interfaces: `aws` implements them, tests keep them in
memory."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from pyspark.sql import SparkSession

from lean_ops.arguments import JobArguments

ALL_TOPICS = "*"
"""Stands for a topic name where an item is about all of them."""

Item = Mapping[str, Any]


class Registry(Protocol):
    def items(self) -> Iterable[Item]:
        """Every item of the schema registry: topics, and owners of table names (`table#<table_name>`)."""


class Checkpoints(Protocol):
    """The mirror of what the tables' commits say, for those who cannot read tables. Never the truth
    itself."""

    def get(self, topic: str, layer: str) -> Item | None: ...

    def put(self, topic: str, layer: str, item: Item) -> None:
        """Replaces the item, unless it is of a later cycle. item: has cycle_id."""


class Schemas(Protocol):
    def active(self, topic: str) -> str | None:
        """Text of a topic's active schema; None when there is none."""


@dataclass(frozen=True)
class Provisioned:
    """error_code None: the topic's table is there, and its own."""

    topic: str
    error_code: str | None = None
    error_message: str = ""


class Provisioner(Protocol):
    def ensure(self, topics: Sequence[str]) -> Sequence[Provisioned]:
        """Makes the topics' Standardized tables. A topic whose answer fails is reported, it raises for
        none."""


@dataclass(frozen=True)
class Job:
    """A run and its collaborators. clock: aware times. log: one line of JSON, fields by name, never
    payloads."""

    arguments: JobArguments
    spark: SparkSession
    registry: Registry
    checkpoints: Checkpoints
    schemas: Schemas
    provisioner: Provisioner
    clock: Callable[[], datetime]
    log: Callable[..., None]
