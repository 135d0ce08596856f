"""The beginning of a rebuild: what is decided once, and the shadows."""

from dataclasses import dataclass

from lean_ops.bookkeeping.operation import Operation, OperationError
from lean_ops.columns import names
from lean_ops.cycle_delta import table as cycle_delta
from lean_ops.maintenance.reachable import stored_objects
from lean_ops.maintenance.shadows import OPERATION, PLAN, live_layer, remove_shadow, shadows_of
from lean_ops.payload.opaque import NONE_OPAQUE, OpaqueColumns
from lean_ops.ports.interfaces import OperationJob
from lean_ops.raw import snapshot_range
from lean_ops.rebuild.plan import RAW, BuildPlan, Wish, chunks_of
from lean_ops.rebuild.position import live_table, standardized_of
from lean_ops.rebuild.shadow_catalog import ShadowTables, make_shadow, shadow_location, shadow_name
from lean_ops.rebuild.shadow_metadata import WantedColumn, current_fields
from lean_ops.rebuild.source import check_raw_is_whole, raw_rows, rows_by_day
from lean_ops.rebuild.target import curated_columns, curated_partition
from lean_ops.spark.session import file_store_of
from lean_ops.tables.spark_tables import Tables
from lean_ops.validation.topic_schema import TopicSchema, read_schema

DELTA = ("ops", cycle_delta.TABLE)
ERRORS, PARSE_ERRORS = ("ops", "errors"), ("ops", "parse_errors")


@dataclass(frozen=True, kw_only=True)
class Rebuild:
    """A rebuild that has begun.

    live: the tables that people read. shadow: the same names, of which some are shadows. schema, schema_text:
    those that Curated is built under; None for a topic without a schema.
    """

    job: OperationJob
    operation: Operation
    wish: Wish
    plan: BuildPlan
    live: Tables
    shadow: ShadowTables
    schema: TopicSchema | None = None
    schema_text: str | None = None

    @property
    def topic(self) -> str:
        return self.operation.topic

    @property
    def own(self) -> str:
        """The name of the topic's tables."""
        return names.table_name(self.topic)

    @property
    def opaque(self) -> OpaqueColumns:
        """What is kept as sent of the rows of RAW: what the schema of the rebuild says, which may not be
        active yet."""
        columns = frozenset() if self.schema is None else self.schema.opaque_columns
        return {self.topic: columns} if columns else NONE_OPAQUE

    @property
    def layers(self) -> tuple[str, ...]:
        """The layers of which tables are rebuilt, in the order in which they are swapped."""
        standardized = ("standardized",) if self.wish.source == RAW else ()
        return (*standardized, *(("curated",) if self.schema is not None else ()))

    def live_name(self, layer: str) -> str:
        return self.live.name(layer, self.own)

    def shadow_name(self, layer: str) -> str:
        return self.shadow.name(layer, self.own)


def shadowed(wish: Wish, topic: str, has_schema: bool) -> frozenset[tuple[str, str]]:
    """The layer and the table of each live table that the rebuild has a shadow of."""
    own = names.table_name(topic)
    found = {DELTA, PARSE_ERRORS}
    if wish.source == RAW:
        found.add(("standardized", own))
    if has_schema:
        found |= {("curated", own), ERRORS}
    return frozenset(found)


def begin(job: OperationJob, live: Tables, operation: Operation) -> Rebuild:
    """Decides what the rebuild reads and makes its shadows, where an earlier run has not done that.

    Raises OperationError, SchemaError and PartitionColumnError.
    """
    wish, topic = Wish.of(operation.plan), operation.topic
    text, schema = _schema(job, wish, topic)
    if schema is None and wish.source != RAW:
        raise OperationError(f"NOTHING_TO_REBUILD: {topic} has no schema, so nothing is made of Standardized")
    shadows = shadowed(wish, topic, schema is not None)
    remove_strangers(live, operation)
    found = _stored_plan(live, topic)
    plan = found or _decide(job, live, operation, wish, schema)
    if plan.schema_version != (schema.version if schema else None):
        raise OperationError(
            f"PLAN_STALE: the schema has version {schema and schema.version}, and the rebuild was begun "
            f"under {plan.schema_version}: cancel the operation (lean-ops op cancel) and plan anew"
        )
    rebuild = Rebuild(
        job=job,
        operation=operation,
        wish=wish,
        plan=plan,
        live=live,
        shadow=ShadowTables(job.spark, job.arguments.database_prefix, topic, shadows),
        schema=schema,
        schema_text=text,
    )
    _make_shadows(rebuild, shadows)
    return rebuild


def _schema(job: OperationJob, wish: Wish, topic: str) -> tuple[str | None, TopicSchema | None]:
    text = job.schemas.active(topic) if wish.schema_key is None else job.schemas.at(wish.schema_key)
    if text is None:
        if wish.schema_key is not None:
            raise OperationError(f"PLAN_STALE: there is no schema at {wish.schema_key}: plan anew")
        return None, None
    schema = read_schema(text, topic)
    if wish.schema_version not in (None, schema.version):
        raise OperationError(
            f"PLAN_STALE: the plan is about version {wish.schema_version} of the schema, and the text has "
            f"{schema.version}: cancel the operation (lean-ops op cancel) and plan anew"
        )
    return text, schema


def _stored_plan(live: Tables, topic: str) -> BuildPlan | None:
    shadow = shadow_name(*DELTA, topic)
    if shadow not in live.listed("ops"):
        return None
    text = live.metadata(live.name("ops", shadow))["properties"].get(PLAN)
    return None if text is None else BuildPlan.from_json(text)


def _decide(
    job: OperationJob, live: Tables, operation: Operation, wish: Wish, schema: TopicSchema | None
) -> BuildPlan:
    topic = operation.topic
    # What the live table has taken is read before what RAW has, so a cycle in between is taken as one.
    standardized = standardized_of(live, job.checkpoints, topic)
    after = standardized.reached
    if schema is not None:
        curated = live_table(live, job.checkpoints, "curated", topic)
        if curated is None or curated.checkpoint is None:
            raise OperationError(
                f"NOTHING_TO_REBUILD: Curated has taken nothing of {topic} yet: the next cycle validates "
                "all of it"
            )
    plan = BuildPlan(
        operation_id=operation.operation_id,
        topic=topic,
        after=after,
        schema_version=None if schema is None else schema.version,
        active_version=active_version(job, topic),
    )
    if wish.source != RAW:
        return plan
    taken = snapshot_range.last_taken(live, live.name(*DELTA), job.checkpoints)
    if taken is None or taken.snapshot_id is None:
        raise OperationError("NOTHING_TO_REBUILD: no cycle has taken anything of RAW yet")
    rows = raw_rows(live, topic, taken.snapshot_id, after, wish.since)
    if wish.since is None:
        check_raw_is_whole(live, standardized.name, rows)
    chunks = chunks_of(rows_by_day(rows), after)
    return BuildPlan(**{**vars(plan), "raw_snapshot": taken.snapshot_id, "chunks": chunks})


def active_version(job: OperationJob, topic: str) -> int | None:
    """The version of the topic's active schema, as the registry has it."""
    for item in job.registry.items():
        if item["topic_name"] == topic and item.get("schema_version") is not None:
            return int(item["schema_version"])
    return None


def remove_strangers(live: Tables, operation: Operation) -> None:
    """Removes shadows that an earlier rebuild of the topic has left."""
    for name, operation_id in shadows_of(live, shadow_names(operation.topic)).items():
        if operation_id != operation.operation_id:
            remove_topic_shadow(live, operation.topic, name)


def remove_traces(live: Tables, operation: Operation) -> None:
    """Removes whatever other rebuilds of the topic have left: shadows, and in their folders also files of
    shadows that were removed while a run still wrote to them."""
    remove_strangers(live, operation)
    files, present = file_store_of(live.spark), live.listed("ops")
    for name in sorted(shadow_names(operation.topic) - present):
        location = shadow_location(live, name)
        for one in list(stored_objects(files, location)):
            files.open(location).delete_file(one.path)


def shadow_names(topic: str) -> set[str]:
    """The names of all shadows that a rebuild of a topic may have."""
    own = names.table_name(topic)
    tables = (DELTA, ERRORS, PARSE_ERRORS, ("standardized", own), ("curated", own))
    return {shadow_name(layer, table, topic) for layer, table in tables}


def remove_topic_shadow(live: Tables, topic: str, name: str) -> None:
    """Removes a shadow of a topic's rebuild, with the files that no live table names."""
    layer, own = live_layer(name), names.table_name(topic)
    has_live = layer is not None and own in live.listed(layer)
    remove_shadow(live, name, live.name(layer, own) if layer is not None and has_live else None)


def _make_shadows(rebuild: Rebuild, shadows: frozenset[tuple[str, str]]) -> None:
    """Makes the shadows that are not there. That of cycle_delta, which has the plan, comes first."""
    present = rebuild.live.listed("ops")
    operation = {OPERATION: rebuild.plan.operation_id}
    for layer, table in sorted(shadows, key=lambda one: one != DELTA):
        name = shadow_name(layer, table, rebuild.topic)
        if name in present:
            continue
        live = rebuild.live.name(layer, table)
        if layer == "curated":
            assert rebuild.schema is not None
            assert rebuild.schema_text is not None
            fields = current_fields(rebuild.live.metadata(live))
            is_new = rebuild.wish.schema_key is not None
            also = [] if is_new else [WantedColumn(one["name"], str(one["type"])) for one in fields]
            make_shadow(
                rebuild.live,
                live,
                name,
                columns=curated_columns(rebuild.schema, also),
                partition=curated_partition(rebuild.schema_text, rebuild.schema) if is_new else None,
                properties=operation,
            )
        else:
            more = {PLAN: rebuild.plan.to_json()} if (layer, table) == DELTA else {}
            make_shadow(
                rebuild.live,
                live,
                name,
                properties={**operation, **more},
                beside_live=layer == "standardized",
            )
