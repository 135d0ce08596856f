"""Takes the steps of a run one after the other, and keeps how far each has come for the next run."""

from collections.abc import Callable, Mapping

from lean_ops.errors import reason
from lean_ops.maintenance.maintenance_run import MaintenanceRun
from lean_ops.maintenance.pace import TOPIC_FILES, Pace, end_of, item_of, paces_of
from lean_ops.ports.interfaces import ALL_TOPICS, Maintenance

PACES = "maintenance_pace"
"""The layer in the key of the item, beside the checkpoints, that keeps how far the steps have come."""


def read_paces(job: Maintenance) -> dict[str, Pace]:
    """How the steps have kept up so far."""
    return paces_of(job.checkpoints.get(ALL_TOPICS, PACES))


def take_steps(run: MaintenanceRun, steps: Mapping[str, Callable[[], None]]) -> None:
    """Takes all steps, each within its share of the time, and those again that left something, as long as
    there is time. run: as it begins. steps: those of pace.SHARES in their order, each with what takes it."""
    run_ends_at = run.ends_at
    for step, take in steps.items():
        run.begin(step, end_of(step, run.job.elapsed(), run_ends_at))
        take()
        _note_paces(run)
    for step, take in steps.items():
        # What is worth rewriting of topics' tables has a budget of bytes of its own.
        if step in run.waiting and step != TOPIC_FILES and run.job.elapsed() < run_ends_at:
            run.begin(step, run_ends_at)
            take()
            _note_paces(run)
    for step, pace in run.behind().items():
        since = pace.since.isoformat() if pace.since else None
        run.job.log("maintenance behind", level="WARN", step=step, waiting=pace.waiting, since=since)


def _note_paces(run: MaintenanceRun) -> None:
    """Stores how the steps keep up, so that the next run goes on where this one stops. Nothing fails where
    that cannot be stored: the next run then begins where this one did."""
    arguments = run.job.arguments
    item = {"cycle_id": arguments.cycle_id, "updated_at": run.now.isoformat(), **item_of(run.paces_after())}
    try:
        run.job.checkpoints.put(ALL_TOPICS, PACES, item)
    except Exception as error:
        run.job.log("pace of maintenance not noted", level="WARN", step=run.step, reason=reason(error))
