"""The jobs in a process of their own, whose account and tables outlive it.

test_kills runs `python killed_process.py FOLDER` again and again until it ends by itself. FOLDER has
histories.pickle, and `state.json` stands for what DynamoDB, S3 and the registry would have.
"""

import json
import pickle
import random
import sys
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any

from histories import CYCLES, FIELDS, History
from lake import Lake, MemoryCheckpoints
from law_checks import check
from spark_tests import start_spark

from lean_ops.spark.session import activate, open_session


@dataclass
class State:
    """The state of the account. It is written as a whole before any caller learns that it changed."""

    path: Path
    cycle: int = 0
    lives: int = 0
    names: list[str] = field(default_factory=list)
    registered: dict[str, Any] = field(default_factory=dict)
    active: dict[str, str] = field(default_factory=dict)
    checkpoints: list[Any] = field(default_factory=list)

    @classmethod
    def at(cls, path: Path) -> "State":
        return cls(path, **json.loads(path.read_text("utf-8"))) if path.exists() else cls(path)

    def save(self) -> None:
        text = json.dumps({name: value for name, value in vars(self).items() if name != "path"})
        draft = self.path.with_suffix(".draft")
        draft.write_text(text, "utf-8")
        draft.rename(self.path)


class KeptCheckpoints(MemoryCheckpoints):
    def __init__(self, state: State) -> None:
        super().__init__()
        self._state = state
        self._lock = Lock()
        self.stored = {(topic, layer): item for topic, layer, item in state.checkpoints}

    def put(self, topic: str, layer: str, item: Any) -> None:
        with self._lock:
            super().put(topic, layer, item)
            self._state.checkpoints = [[*about, known] for about, known in self.stored.items()]
            self._state.save()


class KeptLake(Lake):
    """A lake that another process may have begun. Making its tables again does nothing."""

    def __post_init__(self) -> None:
        for layer in ("raw", "standardized", "curated", "ops"):
            self.spark.sql(f"CREATE NAMESPACE IF NOT EXISTS glue_catalog.{self.prefix}_{layer}")
        self.create_system_tables()


def main(folder: Path) -> None:
    played: list[History] = pickle.loads((folder / "histories.pickle").read_bytes())
    state = State.at(folder / "state.json")
    state.lives += 1
    state.save()
    choose = random.Random(state.lives)
    session = open_session("killed")
    activate(session)
    lake = KeptLake(session, "kept", KeptCheckpoints(state), state.registered, state.active)
    print("ready", flush=True)
    while state.cycle <= CYCLES:
        for history in played:
            if history.schema_from <= state.cycle and history.topic not in lake.active_schemas:
                lake.activate(history.topic, 1, FIELDS, x_event_time_stable=history.stable)
                state.save()
        events = [event for history in played for event in history.of(state.cycle)]
        # Firehose is not killed here, so it delivers each cycle's events once.
        earlier = sum(any(one.of(place) for one in played) for place in range(state.cycle))
        commits = lake.spark.sql(f"SELECT snapshot_id FROM {lake.name('raw.events')}.snapshots").count()
        if events and commits == earlier:
            lake.deliver(*events)
        # A run that died runs again under its name, or the next cycle finds what it left.
        if not state.names or choose.random() < 0.5:
            state.names.append(f"20261123T{len(state.names) + 1:06d}Z-0a1b2c3d")
            state.save()
        for run in (lake.standardize, lake.curate):
            trouble = run(cycle_id=state.names[-1]).trouble()
            assert trouble is None, trouble
        state.cycle += 1
        state.names.append(f"20261123T{len(state.names) + 1:06d}Z-0a1b2c3d")
        state.save()
    check(lake, played)
    print("equal", flush=True)


if __name__ == "__main__":
    start_spark(Path(sys.argv[1]))
    main(Path(sys.argv[1]))
