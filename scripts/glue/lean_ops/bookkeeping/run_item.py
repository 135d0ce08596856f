"""The mirror's item about a whole run: the topics it has left behind, and what it proposes."""

from collections.abc import Mapping
from datetime import datetime

from lean_ops.bookkeeping import left_behind, proposals
from lean_ops.bookkeeping.layer_run import LayerRun
from lean_ops.ports.interfaces import ALL_TOPICS, Item


def put_run(
    run: LayerRun,
    name: str,
    item: Item,
    *,
    before: Item | None,
    mirrors: Mapping[str, Item],
    arrivals: Mapping[tuple[str, str], datetime],
) -> None:
    """Writes the item about all topics, under the name of a layer, with the cycle and the status of the run.

    item: what the layer says besides. before: the item of the run before. mirrors: topic to its item in the
    layer before the run. arrivals: (topic, cycle) to when the first event of the cycle arrived, as far as the
    run knows.
    """
    job, outcome, now = run.job, run.outcome, run.job.clock()
    about = {
        "cycle_id": job.arguments.cycle_id,
        "status": "complete" if outcome.complete else "incomplete",
        "updated_at": now.isoformat(),
    }
    in_trouble = left_behind.items_of(outcome, before, arrivals, cycle_id=job.arguments.cycle_id, now=now)
    proposed = proposals.next_proposals(
        outcome, before, mirrors, rejected_percent=job.arguments.rejected_percent, now=now, log=job.log
    )
    job.checkpoints.put(ALL_TOPICS, name, {**about, **item, **in_trouble, **proposed})
