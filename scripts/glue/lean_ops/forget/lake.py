"""Erases keys from the tables of the lake: those of the topic, and the rows of all topics' tables that are
theirs.

Parse errors have no key. They are found by what RAW and cycle_delta say of the same message, so these two
come last. RAW and cycle_delta are looked at once more in the end: a cycle of other topics may have taken rows
from RAW that it had planned to read before.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pyspark.sql import Column
from pyspark.sql import functions as F

from lean_ops.bookkeeping import held_topics, ledger
from lean_ops.bookkeeping.unrecorded import enter_unrecorded
from lean_ops.columns import names
from lean_ops.cycle_delta import parse_errors
from lean_ops.cycle_delta import table as cycle_delta
from lean_ops.errors import LeanOpsError
from lean_ops.forget.erasing import OPERATION, ROWS, Appended, Erased, Target, erase, erasing_snapshot
from lean_ops.forget.keys import Forgotten
from lean_ops.ports.interfaces import ALL_TOPICS, Checkpoints
from lean_ops.raw import snapshot_range
from lean_ops.spark.file_io import FileStore
from lean_ops.spark.iceberg_classes import iceberg_of
from lean_ops.tables.commits import last_commit
from lean_ops.tables.fence import EPOCH
from lean_ops.tables.spark_tables import Tables

LAYERS = ("standardized", "curated")
_ERRORS = "errors"
_RAW = "events"
_ROUNDS = 3
_SEPARATOR = "\x1f"


class KeysCameBackError(LeanOpsError):
    """Rows with the keys kept coming while they were erased."""


@dataclass(frozen=True, kw_only=True)
class LakeErasure:
    """What erasing needs. epoch: that of the topic. now: gives aware times. settle: waits until no cycle is
    at work, as far as that can be had; see operations/forgetting.py."""

    tables: Tables
    file_store: FileStore
    checkpoints: Checkpoints
    forgotten: Forgotten
    epoch: int
    now: Callable[[], datetime]
    settle: Callable[[], None]
    log: Callable[..., None]
    found: dict[str, Erased] = field(default_factory=dict)

    def run(self) -> Mapping[str, Erased]:
        """Erases the keys. Returns what was done, by table. It can be repeated.

        Raises KeysCameBackError when a producer keeps sending them, FencedError and ErasureOvertakenError.
        """
        for _ in range(_ROUNDS):
            messages = self._messages()
            self._erase("parse_errors", self._of_all("ops", parse_errors.TABLE, self._of_messages(messages)))
            self._erase("errors", self._of_all("ops", _ERRORS, self._is_key("idempotency_key")))
            for layer in LAYERS:
                self._erase_topic_table(layer)
            self._erase_shared()
            if not self._left():
                return self.found
        raise KeysCameBackError(
            f"records of {self.forgotten.topic} with these keys kept coming while they were erased, "
            f"{_ROUNDS} times: stop who sends them, then resume the operation (lean-ops op resume)"
        )

    # --- which rows ---

    @property
    def _is_topic(self) -> Column:
        return F.col("topic_name") == F.lit(self.forgotten.topic)

    def _is_key(self, *columns: str) -> Column:
        """Rows of which the first of these columns that is not NULL is one of the keys."""
        keys = sorted(self.forgotten.keys)
        found, earlier = F.lit(False), F.lit(True)
        for name in columns:
            found |= earlier & F.col(name).isin(*keys)
            earlier &= F.col(name).isNull()
        return found

    @property
    def _in_raw(self) -> Column:
        return self._is_topic & self._is_key("idempotency_key", "message_id", "payload_sha256")

    @property
    def _in_delta(self) -> Column:
        return self._is_topic & self._is_key("idempotency_key")

    def _of_all(self, layer: str, table: str, condition: Column) -> Target:
        return Target(name=self.tables.name(layer, table), condition=self._is_topic & condition)

    def _messages(self) -> tuple[set[str], set[str]]:
        """The messages of the keys as texts of id and payload's hash, and those of other keys whose id is one
        of the keys."""
        own: set[str] = set()
        others: set[str] = set()
        keys = sorted(self.forgotten.keys)
        for name, condition in (
            (self.tables.name("raw", _RAW), self._in_raw),
            (self.tables.name("ops", cycle_delta.TABLE), self._in_delta),
        ):
            rows = (
                self.tables.read(name)
                .where(condition | (self._is_topic & F.col("message_id").isin(*keys)))
                .select(
                    F.coalesce(condition, F.lit(False)).alias("own"),
                    F.concat_ws(
                        _SEPARATOR,
                        F.coalesce("message_id", F.lit("")),
                        F.coalesce("payload_sha256", F.lit("")),
                    ),
                )
                .distinct()
                .collect()
            )
            for is_own, text in rows:
                (own if is_own else others).add(text)
        return own, others - own

    def _of_messages(self, messages: tuple[set[str], set[str]]) -> Column:
        own, others = messages
        message = F.concat_ws(
            _SEPARATOR, F.coalesce("message_id", F.lit("")), F.sha2(F.coalesce("payload", F.lit("")), 256)
        )
        found = F.col("message_id").isin(*sorted(self.forgotten.keys))
        if others:
            found &= ~message.isin(*sorted(others))
        if own:
            ids = sorted({one.partition(_SEPARATOR)[0] for one in own})
            found |= F.coalesce("message_id", F.lit("")).isin(*ids) & message.isin(*sorted(own))
        return found

    # --- the tables ---

    def _erase(self, label: str, target: Target) -> Erased:
        done = erase(self.tables, self.file_store, target, self.forgotten, self.now())
        before = self.found.get(label)
        if before is not None:
            done.files += before.files
            done.snapshots += before.snapshots
            done.refs = sorted({*done.refs, *before.refs})
        self.found[label] = done
        self.log("rows erased", table=label, rows=done.rows, snapshots=done.snapshots, files=done.files)
        return done

    def _erase_topic_table(self, layer: str) -> None:
        own = names.table_name(self.forgotten.topic)
        if own not in self.tables.listed(layer):
            return
        name = self.tables.name(layer, own)
        enter_unrecorded(self.tables, self.checkpoints, self.forgotten.topic, layer)
        target = Target(
            name=name,
            condition=self._is_key("idempotency_key"),
            epoch=self.epoch,
            is_held=True,
            properties=lambda base: {**self._carried(base), EPOCH: str(self.epoch)},
        )
        self._erase(layer, target)

    def _carried(self, base: Any) -> dict[str, str]:
        """The checkpoint of a table, without the counts of its cycle: the ledger has that entry."""
        last = last_commit(iceberg_of(self.tables.spark._jvm), base)
        left_out = (*ledger.ENTRY_PROPERTIES, OPERATION, ROWS)
        return (
            {} if last is None else {key: one for key, one in last.properties.items() if key not in left_out}
        )

    def _erase_shared(self) -> None:
        """RAW, and then cycle_delta, whose commit says where the next cycle goes on in RAW."""
        raw, delta = self.tables.name("raw", _RAW), self.tables.name("ops", cycle_delta.TABLE)
        self.settle()
        self._erase(
            "raw",
            Target(
                name=raw,
                condition=self._in_raw,
                keeps_staged=True,
                appended=lambda loaded: self._not_taken(loaded, delta),
            ),
        )
        cut = erasing_snapshot(self.tables, raw, self.forgotten.operation_id)
        goes_on = self._goes_on_at(raw, delta, cut)
        self._erase(
            "cycle_delta",
            Target(
                name=delta,
                condition=self._in_delta,
                is_due=goes_on is not None,
                properties=lambda base: self._delta_properties(base, raw, cut),
            ),
        )

    def _not_taken(self, loaded: Any, delta: str) -> Appended:
        """The files of RAW that no cycle has read, where one knows that by RAW's history. Where nothing was
        read yet, or the history is gone, the next cycle does not go by it."""
        taken = snapshot_range.last_taken(self.tables, delta, self.checkpoints)
        current = loaded.currentSnapshot()
        if taken is None or taken.snapshot_id is None or current is None:
            return Appended()
        if str(current.snapshotId()) == taken.snapshot_id or not self._leads_to(loaded, taken.snapshot_id):
            return Appended()
        scan = loaded.newIncrementalAppendScan().fromSnapshotExclusive(int(taken.snapshot_id))
        planned = scan.toSnapshot(current.snapshotId()).planFiles()
        try:
            listed, paths = planned.iterator(), set()
            while listed.hasNext():
                paths.add(listed.next().file().location())
        finally:
            planned.close()
        return Appended(paths=frozenset(paths))

    @staticmethod
    def _leads_to(loaded: Any, snapshot_id: str) -> bool:
        snapshot = loaded.currentSnapshot()
        while snapshot is not None:
            parent = snapshot.parentId()
            if snapshot_id in (str(snapshot.snapshotId()), str(parent)):
                return True
            snapshot = None if parent is None else loaded.snapshot(parent)
        return False

    def _goes_on_at(self, raw: str, delta: str, cut: str | None) -> str | None:
        """The snapshot of RAW from which the next cycle goes on, where cycle_delta does not say it yet: RAW
        has lost the one that cycle_delta names."""
        commit = self.tables.last_commit(delta)
        taken = None if commit is None else commit.properties.get(snapshot_range.RAW_SNAPSHOT)
        return cut if taken and self._is_lost(raw, taken, cut) else None

    def _is_lost(self, raw: str, taken: str, cut: str | None) -> bool:
        current = self.tables.metadata(raw).get("current-snapshot-id")
        if cut is None or current is None:
            return False
        known = set(self.tables.ancestors(raw, str(current)))
        return cut in known and taken not in known

    def _delta_properties(self, base: Any, raw: str, cut: str | None) -> Mapping[str, str]:
        carried = self._carried(base)
        taken = carried.get(snapshot_range.RAW_SNAPSHOT)
        if taken and cut is not None and self._is_lost(raw, taken, cut):
            carried[snapshot_range.RAW_SNAPSHOT] = cut
        return carried

    def _left(self) -> bool:
        """Whether there are rows in RAW or cycle_delta, from where they would come back."""
        for name, condition in (
            (self.tables.name("raw", _RAW), self._in_raw),
            (self.tables.name("ops", cycle_delta.TABLE), self._in_delta),
        ):
            self.tables.spark.catalog.refreshTable(name)
            if not self.tables.read(name).where(condition).isEmpty():
                return True
        return False

    # --- what the ledger says ---

    def enter(self) -> None:
        """Enters the rows that left the topic's tables, so that both layers balance; and the first cycle that
        a held topic has not taken, where nothing is left of it in cycle_delta: it has nothing to take
        there."""
        at = self.now()
        topic, operation_id = self.forgotten.topic, self.forgotten.operation_id
        entries = [
            ledger.Entry(
                topic=topic,
                layer=layer,
                cycle_id=operation_id,
                started_at=at,
                finished_at=at,
                counts={"forgotten": self.found[layer].rows},
            )
            for layer in LAYERS
            if layer in self.found
        ]
        note = held_topics.notes_of(self.checkpoints.get(ALL_TOPICS, "raw")).get(topic)
        if note is not None:
            delta = self.tables.read(self.tables.name("ops", cycle_delta.TABLE))
            if topic not in cycle_delta.present(delta, {topic: note.cycle_id}):
                entries.append(
                    ledger.Entry(
                        topic=topic,
                        layer="standardized",
                        cycle_id=note.cycle_id,
                        started_at=at,
                        finished_at=at,
                    )
                )
        ledger.write(self.tables, entries)
