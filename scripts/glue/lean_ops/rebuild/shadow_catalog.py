"""Shadow tables in the catalog: how they are made, found and removed.

A shadow is an Iceberg table in the database of `_ops`. Its metadata is in a folder of its own, and its data
files lie where those of the live table lie.
"""

import hashlib
import json
from collections.abc import Collection, Mapping
from uuid import uuid4

from pyspark.sql import SparkSession

from lean_ops.columns import names
from lean_ops.cycle_delta import table as cycle_delta
from lean_ops.maintenance.reachable import reachable_paths, stored_objects
from lean_ops.rebuild.shadow_metadata import Place, WantedColumn, WantedPartition, shadow_metadata
from lean_ops.spark.catalog_calls import COMMIT, LOAD
from lean_ops.spark.file_io import path_of
from lean_ops.spark.iceberg_classes import iceberg_of, rebuild_classes_of
from lean_ops.spark.session import CATALOG, file_store_of
from lean_ops.tables.spark_tables import Tables

PREFIX = "rebuild_"
"""What the names of shadows begin with."""
OPERATION = "lean-ops.rebuild-operation"
"""The property of a shadow that names its operation."""
_LONGEST_NAME = 128
_LAYERS = ("standardized", "curated")


def shadow_name(layer: str, table: str, topic: str) -> str:
    """The name of the shadow of a table, for one topic's rebuild. layer, table: the live one."""
    own = names.table_name(topic)
    kind = layer if layer in _LAYERS else table
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


def shadows_of(tables: Tables, among: Collection[str] | None = None) -> dict[str, str]:
    """The shadows that there are: name to the operation that they belong to. among: names of those to look
    for; None for all."""
    found = {}
    for name in sorted(tables.listed("ops")):
        if name.startswith(PREFIX) and (among is None or name in among):
            properties: Mapping[str, str] = tables.metadata(tables.name("ops", name)).get("properties", {})
            found[name] = properties.get(OPERATION, "")
    return found


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
    delta = iceberg.load(spark, tables.name("ops", cycle_delta.TABLE))
    location = f"{str(delta.location()).rpartition('/')[0]}/{shadow}"
    data_path = f"{location}/data"
    if beside_live:
        data_path = loaded.properties().get("write.data.path") or f"{loaded.location()}/data"
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


def live_layer(shadow: str) -> str | None:
    """The layer whose table lies beside the files of a shadow; None for a shadow with files of its own."""
    kind = shadow.removeprefix(PREFIX)
    return next((layer for layer in _LAYERS if kind.startswith(f"{layer}_")), None)


def remove_shadow(tables: Tables, shadow: str, live: str | None) -> None:
    """Removes a shadow with all files that only it names. It can be repeated.

    live: the full name of the live table where the shadow's files are beside its own, of which those stay
    that it names; None where they are in the shadow's folder.
    """
    spark, iceberg = tables.spark, iceberg_of(tables.spark._jvm)
    classes, name = rebuild_classes_of(spark._jvm), tables.name("ops", shadow)
    loaded = iceberg.load(spark, name)
    location, io = str(loaded.location()), loaded.io()
    if live is not None:
        own = reachable_paths(spark, iceberg, name, loaded)
        own -= reachable_paths(spark, iceberg, live, iceberg.load(spark, live))
        folder = path_of(location)
        for path in sorted(own):
            if not path.startswith(f"{folder}/"):
                io.deleteFile(_with_scheme(location, path))
    with iceberg.calls.made(LOAD + COMMIT, "drop", name):
        classes.catalog(spark, CATALOG).dropTable(
            classes.identifiers.parse(name.removeprefix(f"{CATALOG}.")), False
        )
    for one in list(stored_objects(file_store_of(spark), location)):
        io.deleteFile(_with_scheme(location, one.path))


def _with_scheme(location: str, path: str) -> str:
    scheme, found, _ = location.partition("://")
    return f"{scheme}://{path}" if found else path
