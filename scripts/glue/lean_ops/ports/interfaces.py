"""What the jobs need from outside Spark, as small interfaces: `aws` implements them, tests keep them in
memory."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from pyspark.sql import SparkSession

from lean_ops.ports.job_arguments import CatchUpArguments, JobArguments

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

    def of_topics(self, topics: Iterable[str], layer: str) -> Mapping[str, Item]:
        """Topic to its item, for those that have one."""

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


class TopicRegistry(Registry, Protocol):
    """Every write has a condition: who was there first counts. False: the condition did not hold."""

    def claim_table(self, table: str, topic: str) -> bool:
        """Makes the topic the table's owner, unless another one is."""

    def add(self, item: Item) -> bool:
        """Writes a topic's item, unless it has one. item: has topic_name."""

    def fill(self, topic: str, attributes: Item, claimed_sequencer: str | None) -> bool:
        """Adds attributes to a topic's item, unless it has one of them already, or schema-validator has begun
        another upload than the one given (None: none ever)."""


@dataclass(frozen=True)
class ActiveFile:
    """A topic's active schema as it lies in the bucket. etag: without quotes."""

    content: bytes
    etag: str


class SchemaBucket(Protocol):
    def topics(self) -> Iterable[str]:
        """Names of the folders below schemas/, whatever they hold."""

    def active_file(self, topic: str) -> ActiveFile | None: ...


ICEBERG = "Iceberg table"


@dataclass(frozen=True)
class CatalogEntry:
    """kind: ICEBERG, or what else the entry of the Glue catalog is, in words."""

    name: str
    kind: str


class Catalog(Protocol):
    def entries(self, layer: str) -> Iterable[CatalogEntry]:
        """All that the layer's database lists: also what is no Iceberg table, which Spark's listing leaves
        out."""


@dataclass(frozen=True)
class CatchUp:
    """A run of historical_catch_up and its collaborators; see Job."""

    arguments: CatchUpArguments
    spark: SparkSession
    registry: TopicRegistry
    schemas: SchemaBucket
    catalog: Catalog
    clock: Callable[[], datetime]
    log: Callable[..., None]
