"""Topics' checkpoints as DynamoDB shows them: what their tables' last commits say, for those who cannot read
tables."""

from collections.abc import Mapping

from lean_ops.bookkeeping import ledger
from lean_ops.bookkeeping.run_outcome import Outcome
from lean_ops.ports.interfaces import Item, Job
from lean_ops.tables.commits import Commit
from lean_ops.tasks.topic_pool import TopicPool, reason


def item_of(topic: str, layer: str, commit: Commit) -> Item:
    entry = ledger.entry_of(topic, layer, commit)
    return {
        "cycle_id": commit.cycle_id,
        "snapshot_id": commit.snapshot_id,
        "counts": dict(entry.counts) if entry else {},
    }


def put(job: Job, pool: TopicPool, layer: str, items: Mapping[str, Item], outcome: Outcome) -> None:
    """items: by topic. A topic whose item cannot be written is reported as failed, though its rows and its
    entry are there: the run must not count as complete, and the next one finds the commit and puts it."""

    def one(topic: str, item: Item) -> None:
        job.checkpoints.put(topic, layer, {**item, "updated_at": job.clock().isoformat()})

    for (topic, _), done in pool.each(items.items(), lambda _, about: one(*about)):
        if isinstance(done, Exception):
            why = f"checkpoint not mirrored: {reason(done)}"
            outcome.failed.setdefault(topic, why)
            job.log("topic failed", level="ERROR", topic_name=topic, layer=layer, reason=why)
