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

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from lean_ops.bookkeeping import checkpoint_mirror, held_topics, ledger, left_behind
from lean_ops.bookkeeping.curated_watermark import stored_watermark, watermark_item
from lean_ops.bookkeeping.layer_run import LayerRun
from lean_ops.bookkeeping.run_item import put_run
from lean_ops.bookkeeping.run_outcome import RunOutcome
from lean_ops.bookkeeping.table_position import position_of
from lean_ops.columns import names
from lean_ops.curated.advance import LAYER, NONE_TAKEN, Advance, Checkpoint
from lean_ops.curated.advance_topics import StandardizedBehindError, advance_all
from lean_ops.curated.moved_tables import take_on
from lean_ops.curated.planning import (
    TopicPlan,
    advances_of,
    checkpoint_at_rest,
    new_cycles,
    plan_topic,
    unread_cycles,
)
from lean_ops.cycle_delta import table as cycle_delta
from lean_ops.cycle_delta.table import TopicCycle
from lean_ops.ports.interfaces import ALL_TOPICS, Item, Job
from lean_ops.raw import snapshot_range
from lean_ops.tables.commits import Commit
from lean_ops.tables.spark_tables import Tables
from lean_ops.tables.topic_table import TopicTable
from lean_ops.tasks.advance_topics import TopicCommits
from lean_ops.tasks.topic_pool import TopicPool

_STANDARDIZED_RUN = "raw"
"""The name under which the mirror has the item about Standardized's run."""


def run(job: Job) -> RunOutcome:
    tables = Tables(job.spark, job.arguments.database_prefix)
    started = job.clock()
    registry = list(job.registry.items())
    holds = held_topics.with_left_behind(
        held_topics.holds_of(registry, started), job.checkpoints.get(ALL_TOPICS, _STANDARDIZED_RUN)
    )
    with_schema = {str(item["topic_name"]): item for item in registry if _is_enabled(item)}
    enabled = {topic: item for topic, item in with_schema.items() if topic not in holds.held}
    if not enabled:
        job.log("every topic with a schema is held" if with_schema else "no topic has a schema")
        return RunOutcome()
    before = job.checkpoints.get(ALL_TOPICS, LAYER)
    mirrors = job.checkpoints.of_topics(sorted(with_schema), LAYER)
    mirrored = {
        topic: str(item["delta_through"]) for topic, item in mirrors.items() if "delta_through" in item
    }
    # Topics that the run before has skipped have not taken what the watermark has passed.
    skipped = {topic: mirrored[topic] for topic in left_behind.skipped_in(before) if topic in mirrored}
    watermark = stored_watermark(
        before, {topic: mirrored[topic] for topic in mirrored.keys() - skipped.keys()}
    )
    with TopicPool(job.spark, job.arguments.database_prefix, job.arguments.driver_threads) as pool:
        layer_run = LayerRun(job=job, layer=LAYER, tables=tables, pool=pool, holds=holds)
        released = held_topics.released(held_topics.notes_of(before), holds)
        held_topics.log_holds(job.log, LAYER, holds, released)
        scene = _scene(layer_run, enabled, mirrors)
        plans = _plan(layer_run, sorted(enabled.keys() - scene.at_rest.keys()), scene, started)
        taken = _last_taken(layer_run)
        upto = taken.cycle_id if taken else NONE_TAKEN
        unread = unread_cycles(watermark, mirrored, plans, scene.at_rest, {**released, **skipped})
        cycles = new_cycles(job, tables, unread)
        plans += _plan_woken(layer_run, scene, cycles, started)
        plans = _with_whole_sources(layer_run, plans, started)
        plans = take_on(layer_run, plans, cycles, started)
        advances = advances_of(job, plans, cycles, upto, started)
        done = advance_all(tables, pool, advances, job.log)
        commits = _unrecorded(layer_run, plans, done, started)
        for topic, commit in commits:
            _enter(layer_run, topic, commit)
        ledger.write(tables, layer_run.outcome.entries)
        # The mirror follows the ledger, so that a commit which the mirror shows is in the ledger.
        items = {topic: _mirror_item(topic, commit) for topic, commit in commits}
        checkpoint_mirror.put_topics(layer_run, items)
        checkpoint_mirror.note_looks(
            layer_run, scene.mirrors, scene.locations, {plan.topic for plan in plans} - items.keys()
        )
    outcome = layer_run.outcome
    left = {
        topic: (None if topic in skipped else watermark) or mirrored.get(topic, NONE_TAKEN)
        for topic in with_schema
        if topic in holds.held
    }
    notes = _notes(layer_run, advances, before, left)
    # A topic that was left behind has not taken the cycles up to now, so the watermark stays where it was;
    # and so it does where not every topic that was left alone has room for a note.
    may_pass = outcome.complete and len(notes) <= held_topics.MAX_HELD
    now = {**mirrored, **{topic: item["delta_through"] for topic, item in items.items()}}
    # What was skipped has taken nothing. When it comes back, its own checkpoint decides.
    counted = {topic: through for topic, through in now.items() if topic not in outcome.skipped}
    item = {
        **watermark_item(upto if may_pass else unread.after, counted),
        "snapshot_id": (taken.snapshot_id if taken else None) or "",
        held_topics.HELD: held_topics.item_of(notes),
        left_behind.SKIPPED: left_behind.skipped_of(outcome),
    }
    arrivals = _arrivals(layer_run, advances)
    put_run(layer_run, LAYER, item, before=before, mirrors=mirrors, arrivals=arrivals)
    return outcome


@dataclass(frozen=True)
class _Scene:
    """What a run knows of its topics before it loads a table.

    standardized: the names of Standardized's tables. locations: Curated's tables, each with the place of its
    metadata file. mirrors: topic to its item. at_rest: topic to its checkpoint, of those whose table and
    schema are those of the last look.
    """

    standardized: Collection[str]
    locations: Mapping[str, str]
    mirrors: Mapping[str, Item]
    at_rest: dict[str, Checkpoint]


def _scene(run: LayerRun, enabled: Mapping[str, Item], mirrors: Mapping[str, Item]) -> _Scene:
    """enabled: topic to its item of the registry. mirrors: topic to its item in the layer."""
    locations = run.metadata_locations()
    at_rest: dict[str, Checkpoint] = {}
    for topic, item in enabled.items():
        checkpoint = checkpoint_at_rest(item, mirrors.get(topic), locations.get(names.table_name(topic)))
        if checkpoint is not None:
            at_rest[topic] = checkpoint
    return _Scene(run.tables.listed("standardized"), locations, mirrors, at_rest)


def _is_enabled(item: Item) -> bool:
    return item.get("processing_enabled") is True and names.is_topic(str(item["topic_name"]))


def _plan_woken(
    run: LayerRun, scene: _Scene, cycles: Mapping[str, Sequence[TopicCycle]], started: datetime
) -> list[TopicPlan]:
    """Plans the topics that were at rest and have new cycles."""
    woken = [
        topic
        for topic, checkpoint in sorted(scene.at_rest.items())
        if any(one.cycle_id > checkpoint.through for one in cycles.get(topic, ()))
    ]
    before = {topic: scene.at_rest.pop(topic) for topic in woken}
    plans = []
    for plan in _plan(run, woken, scene, started):
        if plan.checkpoint is not None and plan.checkpoint.through >= before[plan.topic].through:
            plans.append(plan)
        else:
            # The cycles were read from the checkpoints that the tables had a moment ago.
            why = "somebody moved the table back while the run began: the next cycle takes it on from there"
            run.fail(plan.topic, run.job.arguments.cycle_id, why, started)
    return plans


def _plan(run: LayerRun, topics: Sequence[str], scene: _Scene, started: datetime) -> list[TopicPlan]:
    """Plans the topics. Topics without an active schema are skipped, and topics with an unusable one fail."""
    job, outcome = run.job, run.outcome
    listed = {LAYER: scene.locations, "standardized": scene.standardized}
    plans: list[TopicPlan] = []
    for topic, plan in run.pool.each(
        topics,
        lambda own, topic: plan_topic(
            job, own, topic, listed, scene.mirrors.get(topic), epoch=run.holds.epoch(topic)
        ),
    ):
        if isinstance(plan, Exception):
            run.stop(topic, job.arguments.cycle_id, plan, started)
        elif plan is None:
            outcome.skipped[topic] = "no active schema"
            job.log("topic skipped", topic_name=topic, reason=outcome.skipped[topic])
        else:
            plans.append(plan)
    return plans


def _with_whole_sources(run: LayerRun, plans: Sequence[TopicPlan], started: datetime) -> list[TopicPlan]:
    """Fails the topics that may validate the rows of a Standardized table that somebody has moved back. Where
    people have accepted the gap, its rows are all that there are.

    They would count as taken through the last cycle, and what Standardized takes again comes with none.
    """
    validating = {plan.topic: plan for plan in plans if plan.backfill_from or plan.position.is_moved_back}
    mirrors = run.job.checkpoints.of_topics(sorted(validating), "standardized") if validating else {}

    def lacks_rows(plan: TopicPlan) -> bool:
        if plan.standardized is None:
            return False
        source = plan.backfill_from or TopicTable(run.tables.spark, plan.standardized)
        position = position_of(source, mirrors.get(plan.topic))
        return position.is_moved_back and not run.holds.accepts_gap(plan.topic, position.remembered or "")

    lacking = {topic for topic, plan in sorted(validating.items()) if lacks_rows(plan)}
    for topic in sorted(lacking):
        error = StandardizedBehindError(
            f"somebody moved the Standardized table {names.table_name(topic)} back, so its rows are not all "
            "there. This topic goes on once that table is taken on, or where it was"
        )
        run.stop(topic, run.job.arguments.cycle_id, error, started)
    return [plan for plan in plans if plan.topic not in lacking]


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
            run.stop(plan.topic, run.job.arguments.cycle_id, commit, started)
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


def _notes(
    run: LayerRun, advances: Sequence[Advance], before: Item | None, left: Mapping[str, str]
) -> Mapping[str, held_topics.Note]:
    """Returns the notes of topics that are left alone.

    before: the item of the run before. left: those topics, each with a cycle up to which it has taken all.
    """
    notes = held_topics.notes_of(before)
    return held_topics.next_notes(notes, run.holds, left, run.outcome.left, _arrivals(run, advances))


def _arrivals(run: LayerRun, advances: Sequence[Advance]) -> dict[tuple[str, str], datetime]:
    cycle_id = run.job.arguments.cycle_id
    return {(one.topic, cycle_id): one.arrived for one in advances if one.arrived is not None}
