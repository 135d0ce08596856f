"""Takes on the Curated tables that others have moved back.

A table is taken on from its own checkpoint, by the cycles that cycle_delta has since then. Where cycle_delta
does not have all of them any more, Standardized does: its rows are validated again, as for a topic's first
schema.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from pyspark.sql import functions as F

from lean_ops.bookkeeping import ledger
from lean_ops.bookkeeping.layer_run import LayerRun
from lean_ops.bookkeeping.ledger_corrections import corrections_in_force
from lean_ops.bookkeeping.table_position import TABLE_ROLLED_BACK, Position, record_moved_back
from lean_ops.bookkeeping.taken_cycles import gone_cycles, taken_cycles
from lean_ops.curated.advance import LAYER
from lean_ops.curated.planning import TopicPlan, backfill_source
from lean_ops.cycle_delta.table import TopicCycle
from lean_ops.tables.spark_tables import Tables


def take_on(
    run: LayerRun, plans: Sequence[TopicPlan], found: Mapping[str, Sequence[TopicCycle]], started: datetime
) -> list[TopicPlan]:
    """Tells which tables were moved back, and plans for each what its table lacks.

    found: topic to its cycles in cycle_delta, from the tables' checkpoints on.
    """
    moved = {plan.topic: plan.position for plan in plans if plan.position.is_moved_back}
    if not moved:
        return list(plans)
    through = {plan.topic: plan.checkpoint.through if plan.checkpoint else None for plan in plans}
    gone = gone_cycles(
        taken_cycles(run.tables, moved),
        [one for topic in moved for one in found.get(topic, ())],
        through,
        {topic: _remembered_through(position) for topic, position in moved.items()},
    )
    # Before the commits that count the same messages again, so that they are never counted twice.
    ledger.write(run.tables, [*_undone_entries(run.tables, moved), *_corrections(run.tables, plans)])
    record_moved_back(
        run.tables,
        moved,
        layer=LAYER,
        cycle_id=run.job.arguments.cycle_id,
        at=started,
        log=run.job.log,
    )
    return [_validating_again(run.tables, plan) if plan.topic in gone else plan for plan in plans]


def _remembered_through(position: Position) -> str:
    """The last cycle of cycle_delta that the table had taken."""
    return str((position.mirror or {}).get("delta_through", ""))


def _validating_again(tables: Tables, plan: TopicPlan) -> TopicPlan:
    """The plan of a topic whose checkpoint is that of a first backfill which is not through."""
    if plan.checkpoint is None:
        return plan
    checkpoint = replace(plan.checkpoint, schema_version=0, backfill=None)
    source = backfill_source(tables, plan.schema, checkpoint, plan.standardized)
    return replace(plan, checkpoint=checkpoint, backfill_from=source)


def _corrections(tables: Tables, plans: Sequence[TopicPlan]) -> list[ledger.Entry]:
    """What rebuilds have corrected in the ledger, of the tables that no operation has moved: an operation has
    seen to that itself."""
    return [
        entry
        for plan in plans
        if plan.position.is_moved_back and plan.position.moved_by is None
        for entry in corrections_in_force(tables, plan.topic, LAYER, plan.table)
    ]


def _undone_entries(tables: Tables, moved: Mapping[str, Position]) -> list[ledger.Entry]:
    """The entries of the commits that are not in force any more, with what has become of them."""
    rows = (
        tables.read(tables.name("ops", ledger.TABLE))
        .where((F.col("layer") == LAYER) & F.col("topic_name").isin(*moved))
        # The correction of a rebuild is no cycle's.
        .where((F.col("records_in") > 0) & (~F.col("status").isin(*ledger.CORRECTIONS)))
        .select("topic_name", "cycle_id", "started_at", "finished_at")
        .collect()
    )
    return [
        ledger.Entry(
            topic=row["topic_name"],
            layer=LAYER,
            cycle_id=row["cycle_id"],
            started_at=row["started_at"].replace(tzinfo=UTC),
            finished_at=row["finished_at"].replace(tzinfo=UTC),
            error=f"{TABLE_ROLLED_BACK}: somebody moved the table back behind this cycle's commit. A later "
            "cycle has its messages",
        )
        for row in rows
        if row["cycle_id"] > (moved[row["topic_name"]].reached or "")
    ]
