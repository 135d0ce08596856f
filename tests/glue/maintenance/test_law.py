"""The law of retention: whatever cycles, tags, compactions of others and runs of maintenance there were, in
any order and killed at any moment, the tables are as if nothing had been maintained, every snapshot that is
there can be read, and what was tagged stays."""

from datetime import UTC, datetime, timedelta

import pytest
from budget import SEED, budget
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from lake import Event
from maintained import count_at, maintain, make_eager, snapshot_ids

from lean_ops.spark.catalog_calls import CatalogCalls

GOVERNED, OTHER = "telemetry.climate", "water.meter"
TABLES = (
    *("raw.events", "ops.cycle_delta", "ops.ledger"),
    *("standardized.telemetry_climate", "standardized.water_meter", "curated.telemetry_climate"),
)
SCHEDULES = budget(each_run=1, thorough=12)
STEPS = budget(each_run=8, thorough=16)

schedules = st.lists(
    st.one_of(
        st.tuples(st.just("cycle"), st.integers(1, 3)),
        st.tuples(st.just("deliver"), st.integers(1, 2)),
        st.tuples(st.just("tag"), st.integers(0, 99)),
        st.tuples(st.just("compact"), st.integers(0, 99)),
        st.tuples(st.just("maintain"), st.none() | st.integers(0, 60)),
        st.tuples(st.just("maintain"), st.none() | st.integers(0, 60)),
    ),
    min_size=STEPS,
    max_size=STEPS,
)


class KilledError(BaseException):
    """Ends a run of maintenance as SIGKILL does: nothing in it catches this."""


class World:
    """A lake, what was sent to it, and what somebody has tagged."""

    def __init__(self, lake, monkeypatch):
        self.lake = lake
        self.monkeypatch = monkeypatch
        self.sent = 0
        self.expected = {GOVERNED: {}, OTHER: {}}
        self.tags = []
        lake.activate(GOVERNED, 1, {"v": {"type": "number"}})

    def step(self, kind, number):
        if kind == "deliver":
            for _ in range(number):
                self.deliver()
        elif kind == "cycle":
            for _ in range(number):
                self.cycle()
        elif kind == "tag":
            self.tag(number)
        elif kind == "compact":
            self.compact(TABLES[number % len(TABLES)])
        else:
            self.maintain(number)

    def deliver(self):
        events = []
        for topic, rows in self.expected.items():
            for key in (f"new-{self.sent}", "again"):
                self.sent += 1
                rows[key] = self.sent
                event = Event({"v": self.sent}, topic, f"m{self.sent}", key=key, produced=self.sent)
                events.append(event)
        self.lake.deliver(*events)

    def cycle(self):
        self.deliver()
        assert self.lake.standardize().trouble() is None
        assert self.lake.curate().trouble() is None

    def tag(self, number):
        table = TABLES[number % len(TABLES)]
        ids = [] if self.sent == 0 or not self.exists(table) else snapshot_ids(self.lake, table)
        if not ids:
            return
        chosen, name = ids[number % len(ids)], f"kept_{len(self.tags)}"
        self.lake.spark.sql(f"ALTER TABLE {self.lake.name(table)} CREATE TAG {name} AS OF VERSION {chosen}")
        self.tags.append((table, chosen, count_at(self.lake, table, chosen)))

    def compact(self, table):
        """As Athena or another engine does it, which knows nothing of checkpoints."""
        if self.exists(table) and snapshot_ids(self.lake, table):
            name = self.lake.name(table).removeprefix("glue_catalog.")
            self.lake.spark.sql(
                f"CALL glue_catalog.system.rewrite_data_files(table => '{name}', "
                "options => map('rewrite-all', 'true'))"
            )

    def maintain(self, dies_at):
        at = datetime.now(UTC) + timedelta(days=60)
        if dies_at is not None:
            self.monkeypatch.setattr(CatalogCalls, "take", dying_at(dies_at))
        try:
            assert maintain(self.lake, at=at).trouble() is None
        except KilledError:
            pass
        finally:
            self.monkeypatch.setattr(CatalogCalls, "take", TAKE)

    def exists(self, table):
        layer, name = table.split(".")
        rows = self.lake.spark.sql(f"SHOW TABLES IN {self.lake.name(layer)}").collect()
        return name in [row["tableName"] for row in rows]

    def check(self):
        """What holds after every step."""
        for table in filter(self.exists, TABLES):
            for one in snapshot_ids(self.lake, table):
                count_at(self.lake, table, one)
        for table, one, rows in self.tags:
            assert count_at(self.lake, table, one) == rows

    def check_end(self):
        self.cycle()
        for topic, table in ((GOVERNED, TABLES[3]), (OTHER, TABLES[4]), (GOVERNED, TABLES[5])):
            found = {key: int(float(row["v"])) for key, row in self.lake.by_key(table).items()}
            assert found == self.expected[topic]
        for layer, topic in (("standardized", GOVERNED), ("standardized", OTHER), ("curated", GOVERNED)):
            received, found = self.lake.balance(layer, topic)
            assert received == found
            assert {row["status"] for row in self.lake.ledger(layer, topic)} == {"SUCCEEDED"}
        assert len(self.lake.rows("raw.events")) == self.sent


TAKE = CatalogCalls.take


def dying_at(call):
    """CatalogCalls.take, at which a run dies when it makes its n-th call, and at each one after it."""
    made = 0

    def take(calls, count):
        nonlocal made
        made += 1
        if made > call:
            raise KilledError
        TAKE(calls, count)

    return take


@pytest.mark.parametrize("part", range(SCHEDULES))
def test_tables_are_as_if_nothing_had_been_maintained(new_lake, monkeypatch, compacting, part):
    make_eager(monkeypatch, 2)
    played = []

    @seed(SEED * 1000 + part)
    @settings(max_examples=20, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
    @given(schedules)
    def hold(schedule):
        if played:
            return
        if {kind for kind, _ in schedule} >= {"cycle", "maintain"}:
            played.append(schedule)
            world = World(new_lake(), monkeypatch)
            world.cycle()
            for kind, number in schedule:
                world.step(kind, number)
                if kind == "maintain":
                    world.check()
            world.maintain(None)
            world.check()
            world.check_end()

    hold()
    assert played, "Hypothesis drew no schedule with cycles and maintenance"
