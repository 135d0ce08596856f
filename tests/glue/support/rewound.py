"""Rewinds and undoes topics of a lake in memory, as the command and its state machine do."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from histories import CYCLES, Killed, killed_in
from hypothesis import strategies as st
from maintained import MemoryOperations
from operated import operate

from lean_ops.bookkeeping import ledger
from lean_ops.columns import names
from lean_ops.operations import rewinding
from lean_ops.tables.spark_tables import Tables

if TYPE_CHECKING:
    from lake import Lake

LAYERS = ("curated", "standardized")
_CYCLE = "lean-ops.cycle-id"


def targets(
    lake: "Lake", topic: str, cycle_id: str, layers: Sequence[str] = LAYERS
) -> dict[str, dict[str, Any]]:
    """The targets of a rewind to a cycle: of each layer the last commit of that cycle, or of one before."""
    found = {}
    for layer in layers:
        metadata = metadata_of(lake, topic, layer)
        current = metadata.get("current-snapshot-id")
        at = next((one for one in history(metadata) if one["summary"].get(_CYCLE, "~") <= cycle_id), None)
        if at is not None and at["snapshot-id"] != current:
            found[layer] = {
                "snapshot_id": str(at["snapshot-id"]),
                "schema_id": at["schema-id"],
                "cycle_id": at["summary"][_CYCLE],
                "from_snapshot_id": str(current),
            }
    return found


def undo_targets(lake: "Lake", topic: str, item: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The targets of an undo of an operation, whose item this is: what its tags name."""
    found = {}
    for layer in LAYERS:
        metadata = metadata_of(lake, topic, layer)
        tag = metadata["refs"].get(f"lean-ops-undo-{item['operation_id']}")
        if tag is not None:
            before = item["counts"]["layers"][layer]
            found[layer] = {
                "snapshot_id": str(tag["snapshot-id"]),
                "schema_id": before["schema_before"],
                "spec_id": before["spec_before"],
                "from_snapshot_id": str(metadata["current-snapshot-id"]),
            }
    return found


def metadata_of(lake: "Lake", topic: str, layer: str) -> Mapping[str, Any]:
    return Tables(lake.spark, lake.prefix).metadata(lake.name(f"{layer}.{names.table_name(topic)}"))


def history(metadata: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The snapshots from the current one back, as far as they are kept."""
    by_id = {one["snapshot-id"]: one for one in metadata["snapshots"]}
    found, following = [], metadata.get("current-snapshot-id")
    while following in by_id:
        found.append(by_id[following])
        following = by_id[following].get("parent-snapshot-id")
    return found


def schema_of(lake: "Lake", topic: str, layer: str) -> Mapping[str, Any]:
    """The current schema of a table, with the ids of its columns."""
    metadata = metadata_of(lake, topic, layer)
    return next(one for one in metadata["schemas"] if one["schema-id"] == metadata["current-schema-id"])


@dataclass(frozen=True)
class Rewind:
    """A rewind before a cycle: of the n-th topic, to the n-th commit of its Standardized table back from the
    newest, of both layers or of Curated alone. undone: whether it is undone before the next cycle, at once or
    after that. kill: the call of the job's steps in which it is killed first, 0 for none; after: whether the
    step was done by then. Numbers beyond the last begin again."""

    cycle: int
    topic: int
    back: int
    curated_only: bool
    undone: str
    kill: int
    after: bool


rewinds = st.lists(
    st.builds(
        Rewind,
        st.integers(1, CYCLES),
        st.integers(0, 50),
        st.integers(0, CYCLES),
        st.booleans(),
        st.sampled_from(["no", "at once", "a cycle later"]),
        st.integers(0, 5),
        st.booleans(),
    ),
    min_size=3,
    max_size=8,
)


@dataclass
class Operator:
    """Somebody who rewinds topics of a lake, one operation after another. now: what the job's clock says."""

    lake: "Lake"
    operations: MemoryOperations = field(default_factory=MemoryOperations)
    now: datetime = datetime(2026, 11, 30, 6, 26, tzinfo=UTC)
    number: int = 0
    rewound: int = 0
    deaths: int = 0
    later: list[tuple[str, int, bool]] = field(default_factory=list)

    def begin(self, kind: str, topic: str, plan: Mapping[str, Any]) -> str:
        """Requests an operation, and holds its topic as its state machine does. Returns its id."""
        self.number += 1
        operation_id = f"20261130T{self.number:06d}Z-{kind}-ab12cd"
        self.operations.add(operation_id, topic, plan=dict(plan))
        if "hold" not in self.lake.registered[topic]:
            self.lake.hold(topic)
            self.lake.registered[topic]["hold"]["operation_id"] = operation_id
            self.lake.registered[topic]["epoch"] = self.lake.registered[topic].get("epoch", 0) + 1
        return operation_id

    def run(self, operation_id: str) -> Mapping[str, Any]:
        """Runs the job, and gives the topic back where the operation has held it itself. Returns the
        counts."""
        operate(self.lake, self.operations, operation_id, at=self.now)
        item = self.operations.items[operation_id]
        item.update(state="DONE", step="ENDED")
        registered = self.lake.registered[item["topic"]]
        own = registered.get("hold", {}).get("operation_id") == operation_id
        if own and not item["plan"].get("hold_after"):
            self.lake.release(item["topic"])
        counts: Mapping[str, Any] = item["counts"]
        return counts

    def rewind(self, topic: str, cycle_id: str, layers: Sequence[str] = LAYERS, **plan: Any) -> str:
        wanted = targets(self.lake, topic, cycle_id, layers)
        operation_id = self.begin("rewind", topic, {"targets": wanted, **plan})
        self.run(operation_id)
        return operation_id

    def resumed(self, operation_id: str, kill: int, after: bool) -> None:
        """Runs the job, which is killed in one of its steps, and again until it is through."""
        for owner, method in ((rewinding, "move"), (rewinding, "_record"), (ledger, "write")):
            if kill and self.operations.items[operation_id]["step"] != "ENDED":
                try:
                    with killed_in(owner, method, 1 + kill // 3, after):
                        self.run(operation_id)
                except Killed:
                    self.deaths += 1
        if self.operations.items[operation_id]["step"] != "ENDED":
            self.run(operation_id)

    def play(self, topics: Sequence[str], drawn: Sequence[Rewind], cycle: int) -> None:
        """Does the rewinds that come before a cycle, and the undos of those of the cycle before."""
        for undone, kill, after in self.later:
            self.resumed(self.begin_undo(undone), kill, after)
        self.later.clear()
        for one in drawn:
            topic = topics[one.topic % len(topics)]
            if one.cycle == cycle:
                self._play(topic, one)

    def _play(self, topic: str, one: Rewind) -> None:
        if not self.lake.spark.catalog.tableExists(self.lake.name(f"standardized.{names.table_name(topic)}")):
            return
        commits = [
            each["summary"][_CYCLE]
            for each in history(metadata_of(self.lake, topic, "standardized"))
            if _CYCLE in each["summary"]
        ]
        has_curated = topic in self.lake.active_schemas
        layers = LAYERS[:1] if one.curated_only and has_curated else LAYERS if has_curated else LAYERS[1:]
        wanted = targets(self.lake, topic, commits[one.back % len(commits)], layers) if commits else {}
        if not wanted:
            return
        operation_id = self.begin("rewind", topic, {"targets": wanted})
        self.resumed(operation_id, one.kill, one.after)
        self.rewound += 1
        if one.undone == "at once":
            self.resumed(self.begin_undo(operation_id), one.kill, not one.after)
        elif one.undone == "a cycle later" and all(topic != self._topic(each[0]) for each in self.later):
            self.later.append((operation_id, one.kill, one.after))

    def _topic(self, operation_id: str) -> str:
        return str(self.operations.items[operation_id]["topic"])

    def begin_undo(self, undone: str) -> str:
        item = self.operations.items[undone]
        wanted = undo_targets(self.lake, item["topic"], item)
        return self.begin("undo", item["topic"], {"targets": wanted, "undoes": undone})

    def undo(self, undone: str) -> str:
        operation_id = self.begin_undo(undone)
        self.run(operation_id)
        return operation_id
