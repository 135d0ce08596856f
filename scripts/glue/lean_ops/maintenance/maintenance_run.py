"""What the steps of one run of maintenance share: its tables, its budget, and how it went."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from lean_ops.errors import reason
from lean_ops.maintenance.needs import TopicState
from lean_ops.ports.interfaces import Maintenance
from lean_ops.tables.spark_tables import Tables
from lean_ops.tasks.topic_pool import TopicPool

_NAMED = 3


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table that is maintained. name: its full name, safe in SQL. state: that of its topic, of a topic's
    table."""

    layer: str
    table: str
    name: str
    state: TopicState | None = None

    @property
    def label(self) -> str:
        """The table in words for people."""
        return f"{self.layer}.{self.table}"


@dataclass(kw_only=True)
class MaintenanceRun:
    """now: an aware time, the same for all decisions. ends_at: when the budget is used up, as
    job.elapsed has it. failed: tables with the reason why something could not be done. waiting: how many
    tables each step has left to the next run, for lack of time."""

    job: Maintenance
    tables: Tables
    pool: TopicPool
    now: datetime
    ends_at: float
    all_tables: list[Table]
    failed: dict[str, str] = field(default_factory=dict)
    waiting: dict[str, int] = field(default_factory=dict)

    @property
    def has_time(self) -> bool:
        return self.job.elapsed() < self.ends_at

    def of(self, *layers: str) -> list[Table]:
        """The tables of these layers."""
        return [one for one in self.all_tables if one.layer in layers]

    def each(
        self,
        step: str,
        chosen: Iterable[Table],
        work: Callable[[Tables, Table], Mapping[str, object] | None],
        at_once: int | None = None,
    ) -> None:
        """Does a step for tables, each on its own, as long as there is time, and logs a line for each table
        that something was done to. work: gives what the line says; None when nothing was to do."""

        def timely(own: Tables, one: Table) -> Mapping[str, object] | None:
            return work(own, one) if self.has_time else _LATE

        for one, done in self.pool.each(chosen, timely, at_once):
            if isinstance(done, Exception):
                self.fail(step, one.label, done)
            elif done is _LATE:
                self.waiting[step] = self.waiting.get(step, 0) + 1
            elif done is not None:
                self.job.log(step, table=one.label, **done)

    def fail(self, step: str, label: str, error: Exception) -> None:
        """Reports what could not be done to a table. The others go on."""
        why = reason(error)
        self.failed.setdefault(label, why)
        self.job.log("maintenance of a table failed", level="ERROR", table=label, step=step, reason=why)

    def trouble(self) -> str | None:
        """The message with which the run has to fail, so that people hear of it; None when all went well."""
        if not self.failed:
            return None
        named = "; ".join(f"{label}: {why}" for label, why in list(self.failed.items())[:_NAMED])
        more = len(self.failed) - _NAMED
        rest = f"; and {more} more, which the log names" if more > 0 else ""
        count = f"{len(self.failed)} table{'s' if len(self.failed) > 1 else ''}"
        return f"maintenance of {count} failed: {named}{rest}"


_LATE: Mapping[str, object] = {}
"""Stands for a table that was left to the next run."""
