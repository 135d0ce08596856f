"""The interfaces to everything that the jobs need besides Spark.

`ports.aws` implements them; the tests implement them in memory.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from pyspark.sql import SparkSession

from lean_ops.ports.job_arguments import (
    CatchUpArguments,
    JobArguments,
    MaintenanceArguments,
    OperationArguments,
)

ALL_TOPICS = "*"
"""Stands in the place of a topic's name where an item is about all topics."""

Item = Mapping[str, Any]
"""An item of DynamoDB: attribute names to plain values."""


class Registry(Protocol):
    def items(self) -> Iterable[Item]:
        """Every item of the schema registry: topics, and owners of table names (`table#<table_name>`)."""


class Checkpoints(Protocol):
    """A copy of the checkpoints that the tables' commits carry, for readers that cannot read the tables.

    The commits are what counts; a job never relies on this copy alone while they can be read.
    """

    def get(self, topic: str, layer: str) -> Item | None:
        """The item of one topic in one layer; None when there is none."""

    def of_topics(self, topics: Iterable[str], layer: str) -> Mapping[str, Item]:
        """The items of many topics by name; topics without an item are left out."""

    def put(self, topic: str, layer: str, item: Item) -> None:
        """Replaces the item unless the one there is of a later cycle. item: must have the attribute
        cycle_id."""


class Schemas(Protocol):
    def active(self, topic: str) -> str | None:
        """The text of a topic's active schema; None when there is none."""


class SchemaTexts(Schemas, Protocol):
    def at(self, key: str) -> str | None:
        """The text of a schema by its key in the bucket; None when there is none."""


@dataclass(frozen=True)
class Provisioned:
    """The answer for one topic. Without an error_code, its Standardized table exists and belongs to it."""

    topic: str
    error_code: str | None = None
    error_message: str = ""


class Provisioner(Protocol):
    def ensure(self, topics: Sequence[str]) -> Sequence[Provisioned]:
        """Creates the Standardized tables that the topics lack. Gives one answer for each topic.

        What fails for a topic is in its answer; no error is raised.
        """


ICEBERG = "Iceberg table"
"""The kind of a CatalogEntry that is an Iceberg table."""


@dataclass(frozen=True)
class CatalogEntry:
    """An entry of the Glue catalog. kind: ICEBERG, or words for people that say what else the entry is."""

    name: str
    kind: str


class Catalog(Protocol):
    def entries(self, layer: str) -> Iterable[CatalogEntry]:
        """All entries of the layer's database, including those other than Iceberg tables, which Spark's own
        listing leaves out."""

    def metadata_locations(self, layer: str) -> Mapping[str, str]:
        """Where the current metadata file of each Iceberg table of the layer's database is, by table name.

        It comes from one listing, and every commit to a table changes its location. So it tells cheaply which
        of many tables have changed.
        """


@dataclass(frozen=True, kw_only=True)
class Job:
    """One run of a layer's job, with everything it works with.

    clock: gives times with a time zone. log: writes one line of JSON, with the fields given by keyword; they
    must never hold payloads.
    """

    arguments: JobArguments
    spark: SparkSession
    registry: Registry
    checkpoints: Checkpoints
    schemas: Schemas
    provisioner: Provisioner
    catalog: Catalog
    clock: Callable[[], datetime]
    log: Callable[..., None]


class TopicRegistry(Registry, Protocol):
    """The schema registry as historical_catch_up writes it.

    Every write has a condition under which the first writer wins. It returns False when that does not hold.
    """

    def claim_table(self, table: str, topic: str) -> bool:
        """Makes the topic the owner of the table's name, unless another topic owns it."""

    def add(self, item: Item) -> bool:
        """Writes the item of a topic that has none. item: must have the attribute topic_name."""

    def fill(self, topic: str, attributes: Item, claimed_sequencer: str | None) -> bool:
        """Adds attributes to a topic's item, unless the item has one of them already.

        Nor does it when schema-validator has begun an upload other than `claimed_sequencer`; None stands for
        no upload ever.
        """


@dataclass(frozen=True)
class ActiveFile:
    """The object in S3 that is a topic's active schema. etag: without quotes."""

    content: bytes
    etag: str


class SchemaBucket(Protocol):
    def topics(self) -> Iterable[str]:
        """The names of the folders below schemas/, whatever these hold."""

    def active_file(self, topic: str) -> ActiveFile | None:
        """The object with a topic's active schema; None when there is none."""


@dataclass(frozen=True, kw_only=True)
class CatchUp:
    """One run of historical_catch_up, with everything it works with. clock and log are as in Job."""

    arguments: CatchUpArguments
    spark: SparkSession
    registry: TopicRegistry
    schemas: SchemaBucket
    catalog: Catalog
    clock: Callable[[], datetime]
    log: Callable[..., None]


class Operations(Protocol):
    """The items of operations, and the locks of topics beside them, as the job operation uses them.

    Maintenance only reads them.
    """

    def get(self, operation_id: str) -> Item | None:
        """The item of an operation; None when there is none."""

    def all(self) -> Iterable[Item]:
        """Every item, those of locks included."""

    def progress(self, operation_id: str, counts: Item, at: datetime) -> bool:
        """Sets the counts of a rebuild that builds. Returns as apply does."""

    def swapping(self, operation_id: str, counts: Item, at: datetime) -> bool:
        """Sets the counts of a rebuild that is about to replace its first table, or of an undo that puts a
        schema back with the tables. After it the operation cannot be cancelled. Returns as apply does."""

    def built(self, operation_id: str, counts: Item, at: datetime) -> bool:
        """Sets the step BUILT and the counts of a rebuild. Returns as apply does."""

    def apply(self, operation_id: str, counts: Item, at: datetime) -> bool:
        """Sets the step APPLIED and the counts. Returns False when the operation is not running any more."""

    def note_recorded(self, operation_id: str, state: str) -> None:
        """Notes that the operation has a row in the table of operations, which says this state."""


KEYS = "keys#"
"""Before an operation's id: the item that has the keys which it is to forget, until it has done so."""


class Keys(Protocol):
    """The keys that an operation is to forget: an item of its own beside the operation, as long as it
    takes."""

    def of(self, operation_id: str) -> Sequence[str] | None:
        """The keys; None when they are gone."""

    def found(self, operation_id: str) -> Mapping[str, int]:
        """What an earlier run has noted; empty where none has."""

    def note(self, operation_id: str, found: Mapping[str, int]) -> None:
        """Notes what was found beside the keys, before it goes."""

    def drop(self, operation_id: str) -> None:
        """Deletes them; that they are gone already is no error."""


class Archive(Protocol):
    """The objects beside the lake's tables, and the items that index them."""

    def list(self, bucket: str, prefix: str) -> Iterable[str]:
        """The keys of the objects below a prefix."""

    def read(self, bucket: str, key: str) -> bytes | None:
        """The content of an object; None when there is none."""

    def put(self, bucket: str, key: str, content: bytes) -> None: ...

    def delete(self, bucket: str, key: str) -> None:
        """Deletes an object; that it is gone already is no error."""

    def entries(self, topic: str) -> Iterable[Item]:
        """The items of the archive's index about a topic."""

    def delete_entry(self, topic: str, failed_at_message_id: str) -> None:
        """Deletes an item of the index; that it is gone already is no error."""

    def delete_attempts(self, message_id: str) -> None:
        """Deletes what sqs-processor remembers of a message that it had to handle alone."""


class TableVersions(Protocol):
    """The former versions of the catalog's entries, of which an account may have a million."""

    def of_table(self, layer: str, table: str) -> Sequence[str]:
        """The ids of the versions that the catalog keeps of a table's entry, the current one among them."""

    def delete(self, layer: str, table: str, versions: Sequence[str]) -> None:
        """Deletes versions; one that is gone already is no error."""


@dataclass(frozen=True, kw_only=True)
class Maintenance:
    """One run of maintenance, with everything it works with.

    clock and log are as in Job. elapsed: seconds that have gone by since some moment, for the budget; the
    clock may be turned, and tests turn it.
    """

    arguments: MaintenanceArguments
    spark: SparkSession
    registry: Registry
    checkpoints: Checkpoints
    operations: Operations
    versions: TableVersions
    clock: Callable[[], datetime]
    elapsed: Callable[[], float]
    log: Callable[..., None]


@dataclass(frozen=True, kw_only=True)
class OperationJob:
    """One run of the job operation, with everything it works with. clock, elapsed and log are as in
    Maintenance. sleep: takes seconds."""

    arguments: OperationArguments
    spark: SparkSession
    operations: Operations
    registry: Registry
    checkpoints: Checkpoints
    schemas: SchemaTexts
    versions: TableVersions
    keys: Keys
    archive: Archive
    sleep: Callable[[float], None]
    clock: Callable[[], datetime]
    elapsed: Callable[[], float]
    log: Callable[..., None]
