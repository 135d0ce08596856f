"""A run of one layer's job: what its steps share, and how they enter what became of a topic."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from lean_ops.bookkeeping import ledger
from lean_ops.bookkeeping.held_topics import Holds
from lean_ops.bookkeeping.run_outcome import RunOutcome
from lean_ops.errors import reason
from lean_ops.ports.interfaces import Job
from lean_ops.tables.fence import FencedError
from lean_ops.tables.spark_tables import Tables
from lean_ops.tasks.topic_pool import TopicPool


@dataclass(frozen=True, kw_only=True)
class LayerRun:
    """A run of a layer's job, with its tables and its pool of threads over topics.

    holds: which topics' tables it leaves alone, and the epochs by which it may write the others.
    """

    job: Job
    layer: str
    tables: Tables
    pool: TopicPool
    holds: Holds = field(default_factory=Holds)
    outcome: RunOutcome = field(default_factory=RunOutcome)

    def metadata_locations(self) -> Mapping[str, str]:
        """Returns where the metadata file of each of the layer's tables is now, by table name."""
        with self.tables.listing(self.layer):
            return self.job.catalog.metadata_locations(self.layer)

    def fail(self, topic: str, cycle_id: str, why: str, started: datetime) -> None:
        """Enters that a topic has not taken a cycle. It stays where it is until the next run."""
        self.enter(
            ledger.Entry(
                topic=topic,
                layer=self.layer,
                cycle_id=cycle_id,
                started_at=started,
                finished_at=self.job.clock(),
                error=why,
            )
        )

    def stop(self, topic: str, cycle_id: str, error: Exception, started: datetime) -> None:
        """Enters that an error keeps a topic from a cycle. It is no failure of the topic's when an operation
        has taken it over."""
        if not isinstance(error, FencedError):
            self.fail(topic, cycle_id, reason(error), started)
            return
        entry = ledger.Entry(
            topic=topic,
            layer=self.layer,
            cycle_id=cycle_id,
            started_at=started,
            finished_at=self.job.clock(),
            error=str(error),
            fenced=True,
        )
        self.outcome.enter(entry)
        self.job.log(
            "topic fenced",
            level="WARN",
            topic_name=topic,
            of_cycle_id=cycle_id,
            layer=self.layer,
            epoch=error.epoch,
            writer_epoch=error.writer_epoch,
        )

    def enter(self, entry: ledger.Entry) -> None:
        """Takes an entry for the ledger and logs it."""
        self.outcome.enter(entry)
        ledger.log_entry(self.job.log, entry)
