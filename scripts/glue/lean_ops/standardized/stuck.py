"""Topics that stay where they are until somebody decides, whatever a run does.

Each run fails them by name, and no other topic waits for them: the item about the run notes from which cycle
on they are to be taken, as it does of held topics. What shows that they are stuck is not read anew each time.
"""

from collections.abc import Collection, Mapping
from datetime import datetime

from lean_ops.bookkeeping.held_topics import DELTA_GONE
from lean_ops.bookkeeping.layer_run import LayerRun
from lean_ops.bookkeeping.ledger import entered
from lean_ops.cycle_delta import table as cycle_delta
from lean_ops.standardized.advance import LAYER


def fail_stuck(run: LayerRun, topic: str, cycle_id: str, why: str, started: datetime) -> None:
    """Fails a topic, which holds up no other one."""
    run.fail(topic, cycle_id, why, started)
    run.outcome.stuck.add(topic)


def fail_where_delta_is_gone(run: LayerRun, released: Mapping[str, str]) -> Collection[str]:
    """Fails the released topics of which cycle_delta has lost the first cycle that they have not taken: taken
    on from a later one, their tables would have a hole that nobody hears of. Returns them. Where people have
    accepted that, a topic is taken on from what is there; and where the ledger says that it is through with
    the cycle: an erasure has left nothing of that.

    released: topic to that cycle. Only these cycles are looked at.
    """
    if not released:
        return ()
    started = run.job.clock()
    there = cycle_delta.present(run.tables.read(run.tables.name("ops", cycle_delta.TABLE)), released)
    gone = {topic: first for topic, first in released.items() if topic not in there}
    if gone:
        gone = {
            topic: first for topic, first in gone.items() if topic not in entered(run.tables, LAYER, gone)
        }
    for topic in [topic for topic, first in gone.items() if run.holds.accepts_gap(topic, first)]:
        run.job.log("gap accepted", level="WARN", topic_name=topic, first_cycle_id=gone.pop(topic))
    for topic, first in gone.items():
        why = (
            f"{DELTA_GONE}: cycle_delta has lost cycle {first}, the first that the topic has not taken. RAW "
            "has its events. To go on without them, hold the topic, then lean-ops topic release "
            f"{topic} --accept-gap"
        )
        fail_stuck(run, topic, first, why, started)
    return gone.keys()
