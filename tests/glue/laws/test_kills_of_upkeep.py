"""Operations and maintenance whose process is killed (SIGKILL, Spark and all) at random moments: the next one
finishes the work, and all is as if no run had been killed."""

import random
from functools import partial

from budget import SEED, budget
from killed_upkeep import MAINTAIN, begin, go_on
from killed_world import HELD, LAYERS, OTHER, TOPICS, World, deaths_over_lakes
from maintained import count_at, make_eager, snapshot_ids

from lean_ops.columns import names
from lean_ops.maintenance.reachable import reachable_paths, stored_objects
from lean_ops.maintenance.steps import PACES
from lean_ops.spark.iceberg_classes import iceberg_of
from lean_ops.spark.session import file_store_of
from lean_ops.tables.spark_tables import Tables

KILLS = budget(each_run=1, thorough=30)
BETWEEN = budget(each_run=1, thorough=3)
"""How many steps come between a hold and its release."""
LONGEST_LIFE = budget(each_run=4.0, thorough=9.0)
"""Seconds from when Spark is up. A step takes about four in a new process."""
TOPIC_TABLES = [f"{layer}.{names.table_name(topic)}" for layer in LAYERS for topic in TOPICS]
SHARED = ["raw.events", *(f"ops.{table}" for table in ("ledger", "errors", "parse_errors", "drift_log"))]
TABLES = [*SHARED, *TOPIC_TABLES, "ops.cycle_delta", "ops.operations"]
_choose = random.Random(SEED)


class Upkept(World):
    """What holds of it after steps that change no rows."""

    def is_equal_to(self, before):
        """What the steps may not change, and what they have to."""
        assert self.content() == before
        assert self.delta_cycles() == self.state.names[-2:], "the topic was held for two cycles"
        items = [item for item in self.state.operations.values() if "kind" in item]
        assert [item["state"] for item in items] == ["DONE"] * len(items)
        recorded = [(row["operation_id"], row["state"]) for row in self.lake.rows("ops.operations")]
        assert sorted(recorded) == sorted((item["operation_id"], "DONE") for item in items)
        tables = Tables(self.session, self.prefix)
        for topic in TOPICS:
            epoch = self.state.registered[topic].get("epoch", 0)
            for layer in LAYERS:
                assert tables.epoch(tables.name(layer, names.table_name(topic))) == epoch, (layer, topic)

    def content(self):
        """All rows that the steps are not about, and the checkpoints."""
        rows = {table: self.lake.rows(table) for table in (*SHARED, *TOPIC_TABLES)}
        stored = self.lake.checkpoints.stored
        return rows, {key: item for key, item in stored.items() if key[1] != PACES}

    def delta_cycles(self):
        return sorted({row["cycle_id"] for row in self.lake.rows("ops.cycle_delta")})

    def is_whole(self):
        """Every file that a snapshot names can be read, and nothing else is left."""
        iceberg = iceberg_of(self.session._jvm)
        for table in TABLES:
            for snapshot in snapshot_ids(self.lake, table):
                count_at(self.lake, table, snapshot)
            name = self.lake.name(table)
            loaded = iceberg.load(self.session, name)
            stored = {one.path for one in stored_objects(file_store_of(self.session), loaded.location())}
            assert stored - reachable_paths(self.session, iceberg, name, loaded) == set(), table

    def goes_on(self):
        """The next cycle takes what the topics were held for and what is new, and everything balances."""
        self.cycle()
        good = {"again": self.state.cycle - 1, **{f"new{n}": n for n in range(self.state.cycle)}}
        wrong = {f"wrong{n}" for n in range(self.state.cycle)}
        for topic in TOPICS:
            table = names.table_name(topic)
            curated = {key: int(row["v"]) for key, row in self.lake.by_key(f"curated.{table}").items()}
            assert curated == good, topic
            assert self.lake.by_key(f"standardized.{table}").keys() == good.keys() | wrong, topic
            for layer in LAYERS:
                received, found = self.lake.balance(layer, topic)
                assert received == found, (layer, topic)
                assert {row["status"] for row in self.lake.ledger(layer, topic)} == {"SUCCEEDED"}
        assert self.state.registered[HELD]["status"] == "READY"


def schedule():
    """The steps after the first, a hold: compactions and maintenance, the release and maintenance."""
    ids = (f"202611{number:02}T000000Z-{{}}-0a1b2c" for number in range(1, 31))
    compact = [f"{next(ids).format('compact')} {topic}" for topic in (OTHER, HELD, OTHER)]
    between = _choose.sample([*compact, MAINTAIN, MAINTAIN], BETWEEN)
    return [f"{next(ids).format('hold')} {HELD}", *between, f"{next(ids).format('release')} {HELD}", MAINTAIN]


def play_and_kill(session, prefix, folder, most):
    """Plays a lake whose processes are killed until so many are dead. Gives the steps at which they died."""
    world = Upkept(session, prefix, folder)
    for _ in range(2):
        world.cycle()
    world.state.steps = schedule()
    begin(world.lake, world.state, *world.state.steps[0].split(" "))
    for _ in range(2):
        world.cycle()
    world.state.save()
    before = world.content()
    deaths = []
    while len(deaths) < most:
        if not world.dies_within(_choose.uniform(0.2, LONGEST_LIFE)):
            break
        deaths.append(world.state.done)
    steps = [step.split(" ")[0].split("-")[1:2] or [step] for step in world.state.steps]
    # The last run is one in this process, which is warm.
    go_on(world.lake, world.state)
    world.is_equal_to(before)
    world.is_whole()
    world.goes_on()
    return [steps[done][0] if done < len(steps) else "end" for done in deaths]


def test_operations_and_maintenance_that_are_killed_at_any_moment_end_as_undisturbed_ones(
    job_session, monkeypatch, tmp_path
):
    make_eager(monkeypatch, 2)
    deaths_over_lakes("upkeep", KILLS, tmp_path, partial(play_and_kill, job_session))
    print(f"seed {SEED}")
