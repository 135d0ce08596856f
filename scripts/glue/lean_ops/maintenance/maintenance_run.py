"""What the steps of one run of maintenance share: its tables, its budget, and how it went."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import takewhile
from typing import TypeVar

from lean_ops.errors import reason
from lean_ops.maintenance.needs import TopicState
from lean_ops.maintenance.pace import Pace, Turn, behind, by_turns, next_pace
from lean_ops.ports.interfaces import Maintenance
from lean_ops.tables.spark_tables import Tables
from lean_ops.tasks.topic_pool import TopicPool

_NAMED = 3

Result = TypeVar("Result")


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


Work = Callable[[Tables, Table], Mapping[str, object] | None]
"""What a step does to a table. Gives what the log says of it; None when nothing was to do."""


@dataclass(kw_only=True)
class MaintenanceRun:
    """now: an aware time, the same for all decisions. ends_at: when the step has to stop beginning with
    tables, as job.elapsed has it. paces: how the steps have kept up before this run. turns: what each has
    come to in it. failed: tables with the reason why something could not be done.
    """

    job: Maintenance
    tables: Tables
    pool: TopicPool
    now: datetime
    ends_at: float
    all_tables: list[Table]
    paces: Mapping[str, Pace] = field(default_factory=dict)
    turns: dict[str, Turn] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    step: str = ""
    _at_most: int | None = None

    @property
    def has_time(self) -> bool:
        return self.job.elapsed() < self.ends_at

    @property
    def pace(self) -> Pace:
        """How the step has kept up before this run."""
        return self.paces.get(self.step, Pace())

    @property
    def waiting(self) -> dict[str, int]:
        """How many tables, or days of RAW, each step has left to the next run, for lack of time."""
        return {step: turn.waiting for step, turn in self.turns.items() if turn.waiting}

    def of(self, *layers: str) -> list[Table]:
        """The tables of these layers."""
        return [one for one in self.all_tables if one.layer in layers]

    def begin(self, step: str, ends_at: float) -> None:
        """Begins a step. Where this run has begun it before, only what it left then has a turn."""
        earlier = self.turns.get(step)
        self.step, self.ends_at = step, ends_at
        self._at_most = None if earlier is None else earlier.waiting
        if earlier is not None:
            self.turns[step] = replace(earlier, waiting=0)

    def note(self, *, done: int = 0, waiting: int = 0, after: str | None = None) -> None:
        """Adds to what the step has come to."""
        turn = self.turns.get(self.step, Turn())
        self.turns[self.step] = Turn(
            done=turn.done + done, waiting=turn.waiting + waiting, after=after or turn.after
        )

    def each(
        self, message: str, chosen: Iterable[Table], work: Work, at_once: int | None = None
    ) -> list[Table]:
        """Does a step for tables, each on its own, as long as there is time, and logs a line for each table
        that something was done to. work: gives what the line says; None when nothing was to do. Returns the
        tables that are left."""
        found, left = self.results(message, chosen, work, at_once, self.ends_at)
        for one, done in found:
            if done is not None:
                self.job.log(message, table=one.label, **done)
        return left

    def by_turns(
        self,
        message: str,
        chosen: Iterable[Table],
        work: Work,
        at_once: int | None = None,
        at_most: int | None = None,
    ) -> None:
        """As each, for so many tables, those first that have waited longest. What is left is noted."""
        ordered = self.in_turn(chosen)[: at_most if self._at_most is None else self._at_most]
        self.note_turns(ordered, self.each(message, ordered, work, at_once))

    def in_turn(self, chosen: Iterable[Table]) -> list[Table]:
        """The tables in the order in which they have their turn."""
        by_label = {one.label: one for one in chosen}
        after = self.turns.get(self.step, Turn()).after or self.pace.after
        return [by_label[label] for label in by_turns(by_label, after)]

    def note_turns(self, ordered: Sequence[Table], left: Collection[Table]) -> None:
        """Notes which of the tables had their turn. left: those that had none."""
        waiting = {one.label for one in left}
        had = [*takewhile(lambda label: label not in waiting, (one.label for one in ordered))]
        self.note(done=len(ordered) - len(left), waiting=len(left), after=had[-1] if had else None)

    def results(
        self,
        message: str,
        chosen: Iterable[Table],
        work: Callable[[Tables, Table], Result],
        at_once: int | None,
        ends_at: float,
    ) -> tuple[list[tuple[Table, Result]], list[Table]]:
        """What the work gives for each table, and the tables that are left. Those that fail are reported."""

        def timely(own: Tables, one: Table) -> Result | _Late:
            return work(own, one) if self.job.elapsed() < ends_at else _Late()

        found: list[tuple[Table, Result]] = []
        left: list[Table] = []
        for one, done in self.pool.each(chosen, timely, at_once):
            if isinstance(done, Exception):
                self.fail(message, one.label, done)
            elif isinstance(done, _Late):
                left.append(one)
            else:
                found.append((one, done))
        return found, left

    def fail(self, step: str, label: str, error: Exception) -> None:
        """Reports what could not be done to a table. The others go on."""
        why = reason(error)
        self.failed.setdefault(label, why)
        self.job.log("maintenance of a table failed", level="ERROR", table=label, step=step, reason=why)

    def paces_after(self) -> dict[str, Pace]:
        """How the steps have kept up, with this run."""
        return {
            **self.paces,
            **{
                step: next_pace(self.paces.get(step, Pace()), turn, self.now)
                for step, turn in self.turns.items()
            },
        }

    def behind(self) -> dict[str, Pace]:
        """The steps that have not got on for too long."""
        return behind(self.paces_after(), self.now)

    def trouble(self) -> str | None:
        """The message with which the run has to fail, so that people hear of it; None when all went well."""
        found = [
            f"{step} has left {pace.waiting} to the next run since {pace.since:%Y-%m-%d}"
            for step, pace in self.behind().items()
        ]
        late = f"maintenance does not keep up: {'; '.join(found)}" if found else None
        return "; ".join(one for one in (self._failure(), late) if one) or None

    def _failure(self) -> str | None:
        if not self.failed:
            return None
        named = "; ".join(f"{label}: {why}" for label, why in list(self.failed.items())[:_NAMED])
        more = len(self.failed) - _NAMED
        rest = f"; and {more} more, which the log names" if more > 0 else ""
        count = f"{len(self.failed)} table{'s' if len(self.failed) > 1 else ''}"
        return f"maintenance of {count} failed: {named}{rest}"


class _Late:
    """Stands for a table that was left to the next run."""
