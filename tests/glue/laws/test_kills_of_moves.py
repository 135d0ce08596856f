"""L1, L7, L8: rewinds, undos, rebuilds and erasures whose process is killed (SIGKILL, Spark and all) at
random moments: they are taken up, and the next cycle ends as if nobody had done any of it, but for the erased
key."""

import random
from functools import partial

from budget import SEED, budget
from killed_upkeep import go_on
from killed_world import HELD, LAYERS, TOPICS, World, deaths_over_lakes
from searcher import objects_with

from lean_ops.columns import names
from lean_ops.maintenance.shadows import shadows_of
from lean_ops.tables.spark_tables import Tables

KILLS = budget(each_run=1, thorough=30)
OPERATIONS = budget(each_run=2, thorough=5)
"""How many a lake has, an undo not counted."""
LONGEST_LIFE = budget(each_run=5.0, thorough=9.0)
"""Seconds from when Spark is up. A rewind takes about five in a new process, the others ten."""
ERASED = "new0"
CYCLES = 3
_choose = random.Random(SEED)


def schedule(world):
    """Operations in any order on both topics, of which one is an erasure."""
    ids = (f"202611{number:02}T000000Z-{{}}-0a1b2c" for number in range(1, 31))
    first = world.state.names[0]

    def rewind(topic):
        operation = next(ids).format("rewind")
        undo = [f"{next(ids).format('undo')} {topic} {operation}"] if _choose.random() < 0.5 else []
        return [f"{operation} {topic} {first}", *undo]

    def rebuild(topic):
        return [f"{next(ids).format('rebuild')} {topic} {_choose.choice(['raw', 'standardized'])}"]

    drawn = [_choose.choice([rewind, rebuild])(_choose.choice(TOPICS)) for _ in range(OPERATIONS - 1)]
    drawn.insert(_choose.randrange(OPERATIONS), [f"{next(ids).format('forget')} {HELD} {ERASED}"])
    return [step for steps in drawn for step in steps]


def check(world):
    """The next cycle takes what the topics lack and what is new; each row is there once, and all balances."""
    lake = world.lake
    assert shadows_of(Tables(world.session, world.prefix)) == {}
    assert objects_with(lake, f"{ERASED}-of-{HELD}") == []
    assert not [one for one in world.state.operations if one.startswith("keys#")]
    world.cycle()
    cycles = world.state.cycle
    for topic in TOPICS:
        gone = {ERASED} if topic == HELD else set()
        good = {"again": cycles - 1, **{f"new{n}": n for n in range(cycles) if f"new{n}" not in gone}}
        table = names.table_name(topic)
        curated = {key: int(row["v"]) for key, row in lake.by_key(f"curated.{table}").items()}
        assert curated == good, topic
        wrong = {f"wrong{n}" for n in range(cycles)}
        assert lake.by_key(f"standardized.{table}").keys() == good.keys() | wrong, topic
        for layer in LAYERS:
            received, found = lake.balance(layer, topic)
            assert received == found, (layer, topic)
        assert world.state.registered[topic]["status"] == "READY"


def play_and_kill(session, prefix, folder, most):
    """Plays a lake whose processes are killed until so many are dead. Gives the kinds that they died in."""
    world = World(session, prefix, folder)
    for _ in range(CYCLES):
        world.cycle()
    world.state.steps = schedule(world)
    world.state.save()
    deaths = []
    while len(deaths) < most and world.dies_within(_choose.uniform(0.2, LONGEST_LIFE)):
        deaths.append(world.state.done)
    kinds = [step.split("-")[1] for step in world.state.steps]
    go_on(world.lake, world.state)
    check(world)
    return [kinds[done] if done < len(kinds) else "end" for done in deaths]


def test_operations_on_tables_that_are_killed_at_any_moment_end_as_undisturbed_ones(job_session, tmp_path):
    deaths_over_lakes("moves", KILLS, tmp_path, partial(play_and_kill, job_session))
    print(f"seed {SEED}")
