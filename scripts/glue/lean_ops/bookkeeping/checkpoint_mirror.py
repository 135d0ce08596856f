"""The mirror of the topics' checkpoints in DynamoDB, for readers that cannot read tables.

The truth is each table's last commit. The mirror repeats what that commit says.
"""

from collections.abc import Iterable, Mapping

from lean_ops.bookkeeping import ledger
from lean_ops.bookkeeping.layer_run import LayerRun
from lean_ops.columns import names
from lean_ops.errors import reason
from lean_ops.ports.interfaces import Item
from lean_ops.tables.commits import Commit

_LOCATION = "metadata_location"
_STUCK_AT, _STUCK_WHY = "stuck_at", "stuck_why"


def item_of(topic: str, layer: str, commit: Commit) -> Item:
    """Returns what the mirror shows of a topic's commit."""
    entry = ledger.entry_of(topic, layer, commit)
    return {
        "cycle_id": commit.cycle_id,
        "snapshot_id": commit.snapshot_id,
        "sequence_number": commit.sequence_number,
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


def note_looks(
    run: LayerRun, mirrors: Mapping[str, Item], locations: Mapping[str, str], looked_at: Iterable[str]
) -> None:
    """Notes which metadata files were looked at, so that the next run need not look at them again.

    mirrors: topic to its item before the run. locations: table name to the place of its metadata file before
    the looks. looked_at: the topics whose tables this run has loaded and left as they were; those that failed
    are left out. The note only saves work, so no topic fails for one that cannot be written.
    """
    items: dict[str, Item] = {}
    for topic in looked_at:
        mirror, location = mirrors.get(topic), locations.get(names.table_name(topic))
        if mirror is None or location is None or topic in run.outcome.failed:
            continue
        if mirror.get(_LOCATION) != location:
            known = {name: value for name, value in mirror.items() if name not in (_STUCK_AT, _STUCK_WHY)}
            items[topic] = {**known, _LOCATION: location}
    _note(run, items)


def note_stuck(
    run: LayerRun, mirrors: Mapping[str, Item], locations: Mapping[str, str], whys: Mapping[str, str]
) -> None:
    """Notes which topics cannot be taken on as their tables are, so that the next run need not find out
    again. The note goes with the topic's next commit. Parameters as in note_looks; whys: topic to reason."""
    _note(
        run,
        {
            topic: {**mirrors[topic], _STUCK_AT: locations[names.table_name(topic)], _STUCK_WHY: why}
            for topic, why in whys.items()
            if topic in mirrors and names.table_name(topic) in locations
        },
    )


def stuck_why(mirror: Item | None, location: str | None) -> str | None:
    """Returns why a topic cannot be taken on, by an earlier run; None where none has noted it, or where the
    table is not as it was then. location: where the table's metadata file is."""
    if mirror is None or location is None or mirror.get(_STUCK_AT) != location:
        return None
    why = mirror.get(_STUCK_WHY)
    return None if why is None else str(why)


def _note(run: LayerRun, items: Mapping[str, Item]) -> None:
    for (topic, _), done in run.pool.each(
        items.items(), lambda _, about: run.job.checkpoints.put(about[0], run.layer, about[1])
    ):
        if isinstance(done, Exception):
            run.job.log(
                "look not noted", level="WARN", topic_name=topic, layer=run.layer, reason=reason(done)
            )
