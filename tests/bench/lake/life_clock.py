"""The clock of a life on fast-forward: cycles that are hours apart in it run one right after the other.

The tables and the store note the machine's time. Each such time is read as the moment of the life in which it
was noted, so that whatever goes by age, in the tables, in the store or in the jobs, goes by one clock.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from events import START_US
from lean_ops.maintenance import every_table, expiry
from lean_ops.maintenance.orphans import StoredObject
from lean_ops.maintenance.snapshots import TableSnapshots

DAY = timedelta(days=1)


class LifeClock:
    """cycles_a_day: how many cycles a day of the life has. real: the machine's clock, which gives aware
    times."""

    def __init__(self, cycles_a_day: int, real: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self.between_cycles = DAY / cycles_a_day
        self._real = real
        self._birth = datetime.fromtimestamp(START_US / 1_000_000, UTC)
        self._began: list[datetime] = []

    def begin(self) -> datetime:
        """Goes on to the next cycle, and gives its time in the life."""
        self._began.append(self._real())
        return self.time_of(len(self._began) - 1)

    def time_of(self, cycle: int) -> datetime:
        """When a cycle begins in the life."""
        return self._birth + (cycle + 1) * self.between_cycles

    def now(self) -> datetime:
        return self.of(self._real())

    def of(self, real: datetime) -> datetime:
        """The moment of the life at a time of the machine. Within a cycle both go equally fast, and time
        stands still before the next one when that would be passed."""
        cycle = bisect_right(self._began, real) - 1
        if cycle < 0:
            return self._birth
        return min(self.time_of(cycle) + (real - self._began[cycle]), self.time_of(cycle + 1))

    @contextmanager
    def kept_by_maintenance(self) -> Iterator[None]:
        """Has maintenance read the times of snapshots and of objects as those of the life."""
        snapshots, objects = expiry.table_snapshots, every_table.stored_objects

        def lived_snapshots(*args: Any) -> TableSnapshots:
            found = snapshots(*args)
            lived = [replace(one, committed_at=self.of(one.committed_at)) for one in found.snapshots]
            return TableSnapshots(
                snapshots=lived, current=found.current, branches=found.branches, tags=found.tags
            )

        def lived_objects(*args: Any) -> Iterator[StoredObject]:
            return (replace(one, written_at=self.of(one.written_at)) for one in objects(*args))

        expiry.table_snapshots, every_table.stored_objects = lived_snapshots, lived_objects
        try:
            yield
        finally:
            expiry.table_snapshots, every_table.stored_objects = snapshots, objects
