"""The Standardized job: RAW's new rows go to cycle_delta once, for all topics, and then each topic advances
from its own checkpoint.

Every step may be killed and run again, by this cycle or by the next. What was done is read from commits:

1. cycle_delta takes RAW's range in one commit, which carries the range (take_raw.py).
2. parse_errors and drift_log are written from cycle_delta. Their ids are hashes, so a second time adds
   nothing (recording.py).
3. Each topic's table takes a cycle in one commit, which carries the cycle and its counts (planning.py,
   advance_topics.py).
4. The ledger is written from those commits, and last the mirrors in DynamoDB are written from all of it.

The tables of a held topic are left alone by step 3, while its rows go on into cycle_delta. Once it is
released, its cycles are taken like any others, from the first on that it lacks. So are those of a topic that
was stuck until somebody decided (stuck.py).

curated/job.py has the same stages, under the same names, for the layer above.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from itertools import groupby

from lean_ops.bookkeeping import (
    checkpoint_mirror,
    drift_log,
    held_topics,
    ledger,
    table_ownership,
)
from lean_ops.bookkeeping.layer_run import LayerRun
from lean_ops.bookkeeping.opaque_columns import opaque_columns
from lean_ops.bookkeeping.run_item import put_run
from lean_ops.bookkeeping.run_outcome import RunOutcome
from lean_ops.bookkeeping.table_ownership import TableOwnership
from lean_ops.cycle_delta import table as cycle_delta
from lean_ops.cycle_delta.summary import Limits, topic_cycles
from lean_ops.cycle_delta.table import TopicCycle
from lean_ops.ports.interfaces import ALL_TOPICS, Item, Job
from lean_ops.raw import snapshot_range
from lean_ops.standardized.advance import LAYER, ParseErrors
from lean_ops.standardized.advance_topics import advance_all
from lean_ops.standardized.look import Looks, look_at_tables, take_on
from lean_ops.standardized.planning import TopicPlan, advances_of
from lean_ops.standardized.recording import record_drift, record_parse_errors
from lean_ops.standardized.schema_evolution import max_paths
from lean_ops.standardized.stuck import fail_where_delta_is_gone
from lean_ops.standardized.take_raw import take_raw
from lean_ops.standardized.topic_tables import ensure_on_record
from lean_ops.tables.commits import Commit
from lean_ops.tables.spark_tables import Tables
from lean_ops.tasks.topic_pool import TopicPool
from lean_ops.validation.topic_schema import read_schema

_RUN_ITEM = "raw"
"""The name under which the mirror has the item about the whole run."""


def run(job: Job) -> RunOutcome:
    tables = Tables(job.spark, job.arguments.database_prefix)
    before = job.checkpoints.get(ALL_TOPICS, _RUN_ITEM)
    complete_through = (before or {}).get("complete_through")
    registry = list(job.registry.items())
    holds = held_topics.holds_of(registry, job.clock())
    released = held_topics.released(held_topics.notes_of(before), holds)
    owners = table_ownership.owners_of(registry)
    ownership = take_raw(job, tables, owners, opaque_columns(registry, job.schemas), holds.held)
    with TopicPool(job.spark, job.arguments.database_prefix, job.arguments.driver_threads) as pool:
        layer_run = LayerRun(job=job, layer=LAYER, tables=tables, pool=pool, holds=holds)
        gone = fail_where_delta_is_gone(layer_run, released)
        looks = look_at_tables(layer_run, set(owners.values()) - holds.held.keys() - set(gone))
        can_go_on = {topic: one for topic, one in released.items() if topic not in layer_run.outcome.stuck}
        held_topics.log_holds(layer_run.job.log, LAYER, holds, can_go_on)
        works = topic_cycles(tables, complete_through, _limits(job), looks.first_cycles(can_go_on))
        ownership = _ensure_pending(job, tables, works, owners, ownership, holds.held)
        take_on(layer_run, looks, works)
        for cycle_id, of_cycle in groupby(works, key=lambda work: work.cycle_id):
            # The older cycles of topics that were released or moved back come first, and move nothing back.
            is_new = cycle_id > (complete_through or "")
            _run_cycle(layer_run, cycle_id, list(of_cycle), ownership, looks, is_new)
            if is_new and not layer_run.outcome.holds_up_others:
                complete_through = cycle_id
        # The tables of the others have other metadata files by now.
        left_alone = looks.found.keys() - looks.taken.keys()
        checkpoint_mirror.note_looks(layer_run, looks.mirrors, looks.locations, left_alone)
    ledger.write(tables, layer_run.outcome.entries)
    _mirror_run(layer_run, complete_through, before, works, looks.mirrors)
    return layer_run.outcome


def _limits(job: Job) -> Limits:
    """Returns how many paths of a topic are listed."""
    return Limits(max_paths(job.arguments.max_columns), drift_log.MAX_RESCUED_LISTED, drift_log.MAX_PATH)


def _ensure_pending(
    job: Job,
    tables: Tables,
    pending: Iterable[TopicCycle],
    owners: Mapping[str, str],
    ownership: TableOwnership,
    held: Collection[str],
) -> TableOwnership:
    """Adds the topics that an earlier cycle has left behind to the topics of this one."""
    others = {work.topic for work in pending if work.readable} - ownership.topics
    more = ensure_on_record(job, tables, others, owners, held)
    return ownership.with_more(more)


def _run_cycle(
    run: LayerRun,
    cycle_id: str,
    works: Sequence[TopicCycle],
    ownership: TableOwnership,
    looks: Looks,
    is_new: bool,
) -> None:
    """Steps 2 and 3 for one cycle. A topic that failed in an earlier cycle waits, because its cycles go in
    order.

    is_new: whether no run has got all topics through the cycle. What stuck topics have to take begins there.
    """
    started = run.job.clock()
    for work in works:
        is_stuck = is_new and work.topic in run.outcome.stuck
        if work.topic in run.holds.held or work.topic in ownership.held or is_stuck:
            run.outcome.hold(work.topic, cycle_id)
    # Those of held topics as well: they are in no table of a topic, and people see at once that they came.
    parse_errors = record_parse_errors(run.job, run.tables, cycle_id, works, started)
    plans = _plan(run, works, ownership, looks, started)
    new_columns = record_drift(run.tables, cycle_id, plans, started)
    advances = advances_of(plans, parse_errors, new_columns, started)
    done = advance_all(run.tables, run.pool, advances, lambda topic: _is_stable(run.job, topic), run.job.log)
    commits = {plan.work.topic: plan.commit for plan in plans if plan.evolution is None}
    for topic, commit in done.items():
        if isinstance(commit, Exception):
            run.stop(topic, cycle_id, commit, started)
        else:
            commits[topic] = commit
    for work in works:
        _enter(run, work, commits.get(work.topic), parse_errors.get(work.topic, ParseErrors()), started)
    items = {
        topic: checkpoint_mirror.item_of(topic, LAYER, commit) for topic, commit in commits.items() if commit
    }
    checkpoint_mirror.put_topics(run, items)
    looks.taken.update({topic: commit.cycle_id for topic, commit in commits.items() if commit})


def _plan(
    run: LayerRun, works: Sequence[TopicCycle], ownership: TableOwnership, looks: Looks, started: datetime
) -> list[TopicPlan]:
    """Plans the topics that have readable messages and a table. The others fail, unless they failed before or
    are left alone."""
    waiting = [work for work in works if work.readable and not _waits(run, work)]
    for work in waiting:
        if work.topic not in ownership.ready:
            why = ownership.reasons.get(work.topic, "the topic has no table")
            run.fail(work.topic, work.cycle_id, why, started)
    ready = [work for work in waiting if work.topic in ownership.ready]
    plans: list[TopicPlan] = []
    for work, plan in run.pool.each(ready, lambda own, work: looks.plan(run.job, own, work)):
        if isinstance(plan, Exception):
            run.stop(work.topic, work.cycle_id, plan, started)
        else:
            plans.append(plan)
    return plans


def _waits(run: LayerRun, work: TopicCycle) -> bool:
    """Whether a topic's cycle waits for another run, as one before it does."""
    return work.topic in run.outcome.left or work.topic in run.outcome.held


def _is_stable(job: Job, topic: str) -> bool:
    """Whether corrections of a topic keep their event_time. Raises SchemaError."""
    text = job.schemas.active(topic)
    return text is not None and read_schema(text, topic).event_time_stable


def _enter(
    run: LayerRun, work: TopicCycle, commit: Commit | None, parse_errors: ParseErrors, started: datetime
) -> None:
    """Enters a topic that is through with the cycle."""
    if _waits(run, work):
        return
    entry = ledger.entry_of(work.topic, LAYER, commit) if commit else None
    if entry is None and work.readable:
        return  # The cycle was taken long ago and its commit has expired. The ledger has its entry.
    if entry is None:
        entry = ledger.Entry(
            topic=work.topic,
            layer=LAYER,
            cycle_id=work.cycle_id,
            started_at=started,
            finished_at=run.job.clock(),
            counts={
                "records_in": work.refused,
                "duplicates": parse_errors.copies,
                "parse_errors": parse_errors.messages,
            },
        )
    run.enter(entry)


def _mirror_run(
    run: LayerRun,
    complete_through: str | None,
    before: Item | None,
    pending: Iterable[TopicCycle],
    mirrors: Mapping[str, Item],
) -> None:
    """Writes the item about the whole run.

    complete_through: the last cycle that all topics have taken, except for those that the item names as held.
    The next run reads cycle_delta from there on, and without it reads all cycles. before: the item of the run
    before. mirrors: topic to its item before the run.
    """
    delta = run.tables.name("ops", cycle_delta.TABLE)
    taken = snapshot_range.last_taken(run.tables, delta, run.job.checkpoints)
    snapshot_id = (taken.snapshot_id if taken else None) or ""
    arrivals = cycle_delta.arrivals(pending)
    notes = held_topics.next_notes(
        held_topics.notes_of(before), run.holds, run.outcome.held, run.outcome.left, arrivals
    )
    if len(notes) > held_topics.MAX_HELD:
        # What has no room for a note stays behind complete_through, and the next run reads it again.
        run.job.log("too many held topics to note", level="WARN", topics=len(notes))
        complete_through = (before or {}).get("complete_through")
    item = {
        "snapshot_id": snapshot_id,
        snapshot_range.DELTA_SEQUENCE_NUMBER: taken.sequence_number if taken else None,
        "complete_through": complete_through,
        held_topics.HELD: held_topics.item_of(notes),
    }
    put_run(run, _RUN_ITEM, item, before=before, mirrors=mirrors, arrivals=arrivals)
