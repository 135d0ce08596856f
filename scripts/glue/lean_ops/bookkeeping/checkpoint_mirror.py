"""The mirror of the topics' checkpoints in DynamoDB, for readers that cannot read tables.

The truth is each table's last commit. The mirror repeats what that commit says.
"""

from collections.abc import Mapping

from lean_ops.bookkeeping import ledger
from lean_ops.bookkeeping.layer_run import LayerRun
from lean_ops.errors import reason
from lean_ops.ports.interfaces import ALL_TOPICS, Item
from lean_ops.tables.commits import Commit


def item_of(topic: str, layer: str, commit: Commit) -> Item:
    """Returns what the mirror shows of a topic's commit."""
    entry = ledger.entry_of(topic, layer, commit)
    return {
        "cycle_id": commit.cycle_id,
        "snapshot_id": commit.snapshot_id,
        "counts": dict(entry.counts) if entry else {},
    }


def put_topics(run: LayerRun, items: Mapping[str, Item]) -> None:
    """Writes the topics' items, `items` by topic.

    A topic whose item cannot be written is reported as failed although its rows and its ledger entry are
    there. So the run does not count as complete, and the next one finds the commit and writes the item.
    """
    job = run.job

    def put(topic: str, item: Item) -> None:
        job.checkpoints.put(topic, run.layer, {**item, "updated_at": job.clock().isoformat()})

    for (topic, _), done in run.pool.each(items.items(), lambda _, about: put(*about)):
        if isinstance(done, Exception):
            why = f"checkpoint not mirrored: {reason(done)}"
            run.outcome.failed.setdefault(topic, why)
            job.log("topic failed", level="ERROR", topic_name=topic, layer=run.layer, reason=why)


def put_run(run: LayerRun, name: str, item: Item) -> None:
    """Writes the item about all topics, under the name of a layer, with the cycle and the status of this
    run."""
    job = run.job
    about = {
        "cycle_id": job.arguments.cycle_id,
        "status": "complete" if run.outcome.complete else "incomplete",
        "updated_at": job.clock().isoformat(),
    }
    job.checkpoints.put(ALL_TOPICS, name, {**about, **item})
