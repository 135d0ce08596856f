"""Shadow tables: what they are called, and how they are made. lean_ops.maintenance.shadows removes them."""

import hashlib
import json
from collections.abc import Mapping
from uuid import uuid4

from pyspark.sql import SparkSession

from lean_ops.columns import names
from lean_ops.cycle_delta import table as cycle_delta
from lean_ops.maintenance.shadows import PREFIX, TOPIC_LAYERS
from lean_ops.rebuild.shadow_metadata import Place, WantedColumn, WantedPartition, shadow_metadata
from lean_ops.spark.catalog_calls import COMMIT, LOAD
from lean_ops.spark.iceberg_classes import iceberg_of, rebuild_classes_of
from lean_ops.spark.session import CATALOG
from lean_ops.tables.spark_tables import Tables

_LONGEST_NAME = 128


def shadow_name(layer: str, table: str, topic: str) -> str:
    """The name of the shadow of a table, for one topic's rebuild. layer, table: the live one."""
    own = names.table_name(topic)
    kind = layer if layer in TOPIC_LAYERS else table
    name = f"{PREFIX}{kind}_{own}"
    if len(name) <= _LONGEST_NAME:
        return name
    digest = hashlib.sha256(own.encode()).hexdigest()[:16]
    return f"{name[: _LONGEST_NAME - 17]}_{digest}"


class ShadowTables(Tables):
    """Tables as a rebuild sees them: some are shadows, under the names of the live ones.

    shadows: the layer and the table of each that is one.
    """

    def __init__(
        self, spark: SparkSession, database_prefix: str, topic: str, shadows: frozenset[tuple[str, str]]
    ) -> None:
        super().__init__(spark, database_prefix)
        self._database_prefix = database_prefix
        self._topic = topic
        self._shadows = shadows

    def again(self) -> "ShadowTables":
        """The same tables for another thread, which has to make them by itself."""
        return ShadowTables(self.spark, self._database_prefix, self._topic, self._shadows)

    def name(self, layer: str, table: str) -> str:
        if (layer, table) in self._shadows:
            return super().name("ops", shadow_name(layer, table, self._topic))
        return super().name(layer, table)


def shadow_location(tables: Tables, shadow: str) -> str:
    """The folder of a shadow: beside that of cycle_delta."""
    delta = iceberg_of(tables.spark._jvm).load(tables.spark, tables.name("ops", cycle_delta.TABLE))
    return f"{str(delta.location()).rstrip('/').rpartition('/')[0]}/{shadow}"


def make_shadow(
    tables: Tables,
    live: str,
    shadow: str,
    *,
    columns: list[WantedColumn] | None = None,
    partition: WantedPartition | None = None,
    properties: Mapping[str, str],
    beside_live: bool = True,
) -> None:
    """Makes an empty shadow. live: the full name of the live table. shadow: the name of the shadow.
    beside_live: whether its data files go where the live table's go, and not to the shadow's own folder.

    Raises PartitionColumnError.
    """
    spark, iceberg = tables.spark, iceberg_of(tables.spark._jvm)
    classes = rebuild_classes_of(spark._jvm)
    loaded = iceberg.load(spark, live)
    location = shadow_location(tables, shadow)
    data_path = f"{location}/data"
    if beside_live:
        data_path = loaded.properties().get("write.data.path") or f"{str(loaded.location()).rstrip('/')}/data"
    document = shadow_metadata(
        tables.metadata(live),
        table_uuid=str(uuid4()),
        place=Place(location=location, data_path=data_path),
        columns=columns,
        partition=partition,
        properties=properties,
    )
    metadata = iceberg.table_metadata.fromJson(json.dumps(document))
    # A file of its own for each try: what a killed run has left is in nobody's way.
    file = loaded.io().newOutputFile(f"{location}/metadata/00000-{uuid4()}.metadata.json")
    iceberg.table_metadata.write(metadata, file)
    name = tables.name("ops", shadow)
    with iceberg.calls.made(LOAD + COMMIT, "register", name):
        classes.catalog(spark, CATALOG).registerTable(
            classes.identifiers.parse(name.removeprefix(f"{CATALOG}.")), file.location()
        )
