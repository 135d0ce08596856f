"""Shadow tables, which a rebuild fills beside the live ones: which there are, what they still need, and how
they are removed. lean_ops.rebuild makes them.

A shadow is an Iceberg table in the database of `_ops`. Its metadata is in a folder of its own. The data files
of a shadow of a topic's table lie where those of the live table lie, so that a swap moves none.
"""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from lean_ops.maintenance.reachable import reachable_paths, stored_objects
from lean_ops.spark.catalog_calls import COMMIT, LOAD
from lean_ops.spark.file_io import path_of
from lean_ops.spark.iceberg_classes import iceberg_of, rebuild_classes_of
from lean_ops.spark.session import CATALOG, file_store_of
from lean_ops.tables.spark_tables import Tables

PREFIX = "rebuild_"
"""What the names of shadows begin with."""
OPERATION = "lean-ops.rebuild-operation"
"""The property of a shadow that names its operation."""
PLAN = "lean-ops.rebuild-plan"
"""The property of one of an operation's shadows that has its plan, as JSON; see lean_ops.rebuild.plan."""
TOPIC_LAYERS = ("standardized", "curated")


@dataclass(frozen=True)
class RebuildNeeds:
    """What rebuilds that are under way still read: snapshots of RAW, and topic to the cycle after which its
    rows in cycle_delta are wanted."""

    raw_snapshots: tuple[str, ...] = ()
    delta_after: Mapping[str, str] = field(default_factory=dict)


def is_shadow(layer: str, table: str) -> bool:
    return layer == "ops" and table.startswith(PREFIX)


def rebuild_needs(tables: Tables) -> RebuildNeeds:
    """Reads the plans of all rebuilds of which there are shadows."""
    snapshots, after = [], {}
    for name in sorted(tables.listed("ops")):
        if not is_shadow("ops", name):
            continue
        text = tables.metadata(tables.name("ops", name)).get("properties", {}).get(PLAN)
        if text is not None:
            plan = json.loads(text)
            after[str(plan["topic"])] = str(plan["after"])
            if plan["raw_snapshot"] is not None:
                snapshots.append(str(plan["raw_snapshot"]))
    return RebuildNeeds(tuple(snapshots), after)


def shadows_of(tables: Tables, among: Collection[str] | None = None) -> dict[str, str]:
    """The shadows that there are: name to the operation that they belong to. among: names of those to look
    for; None for all."""
    found = {}
    for name in sorted(tables.listed("ops")):
        if is_shadow("ops", name) and (among is None or name in among):
            properties: Mapping[str, str] = tables.metadata(tables.name("ops", name)).get("properties", {})
            found[name] = properties.get(OPERATION, "")
    return found


def live_layer(shadow: str) -> str | None:
    """The layer whose table lies beside the files of a shadow; None for a shadow with files of its own."""
    kind = shadow.removeprefix(PREFIX)
    return next((layer for layer in TOPIC_LAYERS if kind.startswith(f"{layer}_")), None)


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
