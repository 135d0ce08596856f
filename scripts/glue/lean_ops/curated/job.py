"""The Curated job: for each topic with an active schema, the latest valid version of each record, typed.

A topic's batch is all that came after its own checkpoint: the cycles of cycle_delta since then and, when its
schema is new, Standardized's rows as well. Every step may be killed and run again:

1. Each topic's schema, table and checkpoint are read (planning.py).
2. Versions are validated, and errors are put on record before the commit that counts them. Their ids are
   hashes, so a second time adds nothing (recording.py).
3. Each topic's table takes its batch in one commit, which carries the cycle, the schema version and the
   counts (advance_topics.py).
4. The ledger is written from those commits, and last the mirrors in DynamoDB are written from all of it.

standardized/job.py has the same stages, under the same names, for the layer below.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime

from lean_ops.bookkeeping import checkpoint_mirror, ledger, left_behind
from lean_ops.bookkeeping.curated_watermark import watermark_item
from lean_ops.bookkeeping.held_topics import PAUSED
from lean_ops.bookkeeping.layer_run import LayerRun
from lean_ops.bookkeeping.run_outcome import RunOutcome
from lean_ops.columns import names
from lean_ops.curated.advance import LAYER, NONE_TAKEN, Advance, Checkpoint
from lean_ops.curated.advance_topics import advance_all
from lean_ops.curated.planning import TopicPlan, advances_of, checkpoints_of, plan_topic, watermark_of
from lean_ops.cycle_delta import table as cycle_delta
from lean_ops.errors import reason
from lean_ops.ports.interfaces import ALL_TOPICS, Item, Job
from lean_ops.raw import snapshot_range
from lean_ops.tables.commits import Commit
from lean_ops.tables.spark_tables import Tables
from lean_ops.tasks.advance_topics import TopicCommits
from lean_ops.tasks.topic_pool import TopicPool


def run(job: Job) -> RunOutcome:
    tables = Tables(job.spark, job.arguments.database_prefix)
    started = job.clock()
    topics = sorted(str(item["topic_name"]) for item in job.registry.items() if _is_enabled(item))
    if not topics:
        job.log("no topic has a schema")
        return RunOutcome()
    with TopicPool(job.spark, job.arguments.database_prefix, job.arguments.driver_threads) as pool:
        layer_run = LayerRun(job=job, layer=LAYER, tables=tables, pool=pool)
        plans = _plan(layer_run, topics, started)
        watermark = watermark_of(job, plans)
        taken = _last_taken(layer_run)
        upto = taken.cycle_id if taken else NONE_TAKEN
        advances = advances_of(job, tables, plans, watermark, upto, started)
        done = advance_all(tables, pool, advances, job.log)
        commits = _unrecorded(layer_run, plans, done, started)
        for topic, commit in commits:
            _enter(layer_run, topic, commit)
        ledger.write(tables, layer_run.outcome.entries)
        # The mirror follows the ledger, so that a commit which the mirror shows is in the ledger.
        items = {topic: _mirror_item(topic, commit) for topic, commit in commits}
        checkpoint_mirror.put_topics(layer_run, items)
    # A topic that was left behind has not taken the cycles up to now, so the watermark stays where it was.
    through = upto if layer_run.outcome.complete else watermark
    item = watermark_item(through, checkpoints_of(plans, done))
    _mirror_run(layer_run, {**item, "snapshot_id": (taken.snapshot_id if taken else None) or ""}, advances)
    return layer_run.outcome


def _is_enabled(item: Item) -> bool:
    enabled = item.get("processing_enabled") is True and item.get("status") not in PAUSED
    return enabled and names.is_topic(str(item["topic_name"]))


def _plan(run: LayerRun, topics: Sequence[str], started: datetime) -> list[TopicPlan]:
    """Plans the topics. Topics without an active schema are skipped, and topics with an unusable one fail."""
    job, outcome = run.job, run.outcome
    listed = {layer: run.tables.listed(layer) for layer in (LAYER, "standardized")}
    mirrors = job.checkpoints.of_topics(topics, LAYER)
    plans: list[TopicPlan] = []
    for topic, plan in run.pool.each(
        topics, lambda own, topic: plan_topic(job, own, topic, listed, mirrors.get(topic))
    ):
        if isinstance(plan, Exception):
            run.fail(topic, job.arguments.cycle_id, reason(plan), started)
        elif plan is None:
            outcome.skipped[topic] = "no active schema"
            job.log("topic skipped", topic_name=topic, reason=outcome.skipped[topic])
        else:
            plans.append(plan)
    return plans


def _last_taken(run: LayerRun) -> snapshot_range.Taken | None:
    """Returns the last cycle that cycle_delta has, which need not be this run's: a cycle may fail before it
    takes RAW, and come again."""
    delta = run.tables.name("ops", cycle_delta.TABLE)
    return snapshot_range.last_taken(run.tables, delta, run.job.checkpoints)


def _unrecorded(
    run: LayerRun, plans: Sequence[TopicPlan], done: TopicCommits, started: datetime
) -> list[tuple[str, Commit]]:
    """Returns the commits that ledger and mirror do not have yet, with their topics. Topics without a commit
    fail."""
    commits: list[tuple[str, Commit]] = []
    for plan in plans:
        commit = done[plan.topic]
        if isinstance(commit, Exception):
            run.fail(plan.topic, run.job.arguments.cycle_id, reason(commit), started)
        else:
            commits += [(plan.topic, one) for one in _unrecorded_of(plan, commit)]
    return commits


def _unrecorded_of(plan: TopicPlan, commit: Commit | None) -> Iterator[Commit]:
    """Yields the commits of killed runs, and then the one of this run. Of two commits of one cycle only the
    later is returned, because it has the counts of both."""
    new = None if commit is plan.last_commit else commit
    for before in plan.unrecorded:
        if new is None or new.cycle_id != before.cycle_id:
            yield before
    if new is not None:
        yield new


def _enter(run: LayerRun, topic: str, commit: Commit) -> None:
    entry = ledger.entry_of(topic, LAYER, commit)
    if entry is not None:
        run.enter(entry)


def _mirror_item(topic: str, commit: Commit) -> Item:
    checkpoint = Checkpoint.of(commit)
    item = checkpoint_mirror.item_of(topic, LAYER, commit)
    return {**item, "schema_version": checkpoint.schema_version, "delta_through": checkpoint.through}


def _mirror_run(run: LayerRun, item: Item, advances: Sequence[Advance]) -> None:
    """Writes the item about the whole run, with the topics that it leaves behind."""
    cycle_id = run.job.arguments.cycle_id
    in_trouble = left_behind.items_of(
        run.outcome,
        run.job.checkpoints.get(ALL_TOPICS, LAYER),
        {(one.topic, cycle_id): one.arrived for one in advances if one.arrived is not None},
        cycle_id=cycle_id,
        now=run.job.clock(),
    )
    checkpoint_mirror.put_run(run, LAYER, {**item, **in_trouble})
