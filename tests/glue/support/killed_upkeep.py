"""Operations and maintenance in a process of their own, whose account and tables outlive it.

test_kills_of_upkeep runs `python killed_upkeep.py FOLDER` and kills it. FOLDER has `state.json`, which stands
for DynamoDB and names the tables: those of the test's own catalog.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from killed_process import KeptCheckpoints, KeptLake, State
from maintained import MemoryOperations, maintain, make_eager
from operated import operate
from rewound import targets, undo_targets
from spark_tests import start_spark

from lean_ops.spark.session import activate, open_session

MAINTAIN = "maintain"


@dataclass
class UpkeepState(State):
    """prefix, warehouse: where the tables are. now: what the jobs' clock says. steps: MAINTAIN, or an
    operation's id and its topic, and what it is about: the cycle of a rewind, the operation that an undo
    undoes, the key that is erased; with spaces between. done: how many of them are. operations: the items."""

    prefix: str = ""
    warehouse: str = ""
    now: str = ""
    steps: list[str] = field(default_factory=list)
    done: int = 0
    operations: dict[str, Any] = field(default_factory=dict)


class KeptOperations(MemoryOperations):
    def __init__(self, state: UpkeepState) -> None:
        super().__init__(state.operations)
        self._save: Callable[[], None] = state.save

    def _move(self, *about: Any) -> bool:
        is_moved = super()._move(*about)
        self._save()
        return is_moved

    def note_recorded(self, operation_id: str, state: str) -> None:
        super().note_recorded(operation_id, state)
        self._save()

    def note(self, operation_id: str, found: Any) -> None:
        super().note(operation_id, found)
        self._save()

    def drop(self, operation_id: str) -> None:
        super().drop(operation_id)
        self._save()


def go_on(lake: KeptLake, state: UpkeepState) -> None:
    """Does the steps that are left, each as its state machine does it."""
    while state.done < len(state.steps):
        step = state.steps[state.done]
        if step == MAINTAIN:
            trouble = maintain(
                lake, at=datetime.fromisoformat(state.now), operations=KeptOperations(state)
            ).trouble()
            assert trouble is None, trouble
        else:
            _operate(lake, state, *step.split(" "))
        state.done += 1
        state.save()


def begin(lake: KeptLake, state: UpkeepState, operation_id: str, topic: str, about: str = "") -> bool:
    """Has a topic held by an operation that needs that, with a new epoch, unless it has begun already. False
    where the command would refuse it: a rewind that leads nowhere, and the undo of that."""
    operations = KeptOperations(state)
    if operations.get(operation_id) is not None:
        return True
    kind = operation_id.split("-")[1]
    plan: dict[str, Any] = {"epoch": 0}
    if kind == "rewind":
        plan["targets"] = targets(lake, topic, about)
        if not plan["targets"]:
            return False
    elif kind == "undo":
        if about not in operations.items:
            return False
        plan |= {"undoes": about, "targets": undo_targets(lake, topic, operations.items[about])}
    elif kind == "rebuild":
        plan["from"] = about
    elif kind == "forget":
        operations.items[f"keys#{operation_id}"] = {"operation_id": f"keys#{operation_id}", "keys": [about]}
    operations.add(operation_id, topic, plan=plan, step="BUILDING" if kind == "rebuild" else "DRAINED")
    if kind not in ("release", "rebuild"):
        _hold(lake, operation_id, topic)
    state.save()
    return True


def _hold(lake: KeptLake, operation_id: str, topic: str) -> None:
    item = lake.registered[topic]
    if "hold" not in item:
        lake.hold(topic)
        item["hold"]["operation_id"] = operation_id
        item["epoch"] = item.get("epoch", 0) + 1


def _operate(lake: KeptLake, state: UpkeepState, operation_id: str, topic: str, about: str = "") -> None:
    if not begin(lake, state, operation_id, topic, about):
        return
    operations = KeptOperations(state)
    at = datetime.fromisoformat(state.now)
    operate(lake, operations, operation_id, at=at)
    item = operations.items[operation_id]
    if item["step"] == "BUILT":
        _hold(lake, operation_id, topic)
        item["step"] = "DRAINED"
        state.save()
        operate(lake, operations, operation_id, at=at)
    own = lake.registered[topic]["hold"]["operation_id"] == operation_id
    if item["kind"] == "release" or (item["kind"] != "hold" and own):
        lake.release(topic)
    item.update(state="DONE", step="ENDED")


def main(folder: Path) -> None:
    state = UpkeepState.at(folder / "state.json")
    start_spark(folder, spark__sql__catalog__glue_catalog__warehouse=state.warehouse)
    session = open_session("killed")
    activate(session)
    make_eager(pytest.MonkeyPatch(), 2)
    lake = KeptLake(session, state.prefix, KeptCheckpoints(state), state.registered, state.active)
    print("ready", flush=True)
    go_on(lake, state)
    print("done", flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
