"""What a rebuild has decided when it began: which rows it reads, in which chunks, and under which schema.

It is a property of a shadow, so a run that takes the rebuild up goes by the same decisions.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from lean_ops.bookkeeping.operation import OperationError

RAW, STANDARDIZED = "raw", "standardized"
MAX_ROWS = 1_000_000
"""The rows of a chunk that consists of more than one day."""
_FIRST_OF_DAY = "T000000Z-00000000"
_NO_DAY = "00010101"


@dataclass(frozen=True)
class Wish:
    """What the operation's plan asks for.

    source: RAW or STANDARDIZED. since: rows that came into RAW before it are left out; None for none.
    schema_key: where the text of the schema is; None for the active one. schema_version: its version, where
    the plan names one. max_rejected: the most messages that may be rejected, as a number or as a share of the
    judged ones; None for no bound. activates: whether that schema becomes the active one.
    """

    source: str
    since: datetime | None = None
    schema_key: str | None = None
    schema_version: int | None = None
    max_rejected: str | None = None
    activates: bool = False

    @classmethod
    def of(cls, plan: Mapping[str, Any]) -> "Wish":
        """Reads the plan of an operation. Raises OperationError."""
        source, since = plan.get("from"), plan.get("since")
        if source not in (RAW, STANDARDIZED):
            raise OperationError(f"the plan says from={source!r}, which is neither {RAW} nor {STANDARDIZED}")
        if since and source != RAW:
            raise OperationError(f"`since` goes with from={RAW} alone: Standardized has what came latest")
        version, most = plan.get("schema_version"), plan.get("max_rejected")
        return cls(
            source=str(source),
            since=datetime.fromisoformat(str(since)) if since else None,
            schema_key=str(plan["schema_key"]) if plan.get("schema_key") else None,
            schema_version=None if version is None else int(version),
            max_rejected=None if most is None else str(most),
            activates=plan.get("activates") is True,
        )

    def refuses(self, rejected: int, judged: int) -> str | None:
        """Why so many rejected messages are too many; None when they are not. Raises OperationError."""
        if self.max_rejected is None:
            return None
        text = self.max_rejected
        try:
            most = float(text.removesuffix("%"))
        except ValueError:
            raise OperationError(
                f"max_rejected is {text!r}: it is a number, or a share such as 0.5%"
            ) from None
        bound = judged * most / 100 if text.endswith("%") else most
        if rejected <= bound:
            return None
        return (
            f"TOO_MANY_REJECTED: the schema rejects {rejected} of {judged} messages, and the plan allows "
            f"{text}. Nothing that people read has changed: cancel the operation (lean-ops op cancel)"
        )


@dataclass(frozen=True)
class Chunk:
    """Days of RAW that the build takes in one step.

    cycle_id: stands in the place of a cycle's id; all real cycles that the build takes sort after it. first,
    last: the days on which their rows came into RAW, such as 2026-11-23; "" for rows that do not say it.
    rows: how many there were.
    """

    cycle_id: str
    first: str
    last: str
    rows: int


@dataclass(frozen=True, kw_only=True)
class BuildPlan:
    """operation_id, topic: those of the rebuild.
    after: the cycle through which the topic's Standardized table had taken all when the build began; cycles
    after it are taken from cycle_delta.
    raw_snapshot: RAW as it was then; None where RAW is not read.
    schema_version: that of the schema; None for a topic without one.
    active_version: that of the schema which was active.
    chunks: in their order.
    """

    operation_id: str
    topic: str
    after: str
    raw_snapshot: str | None = None
    schema_version: int | None = None
    active_version: int | None = None
    chunks: Sequence[Chunk] = ()

    def to_json(self) -> str:
        return json.dumps({**vars(self), "chunks": [vars(one) for one in self.chunks]}, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> "BuildPlan":
        found = json.loads(text)
        return cls(**{**found, "chunks": tuple(Chunk(**one) for one in found["chunks"])})


def chunks_of(rows_by_day: Mapping[str, int], after: str, max_rows: int = MAX_ROWS) -> tuple[Chunk, ...]:
    """The days in chunks, in order. A chunk has at most max_rows, or is one day.

    rows_by_day: day, as Chunk has it, to its number of rows. after: as in BuildPlan. What came on the day of
    that cycle or later is in the last chunk, which has the cycle's own id.
    """
    found: list[Chunk] = []
    for day, rows in sorted(rows_by_day.items()):
        cycle_id = min(f"{day.replace('-', '') or _NO_DAY}{_FIRST_OF_DAY}", after)
        last = found[-1] if found else None
        if last is not None and (cycle_id == last.cycle_id or last.rows + rows <= max_rows):
            found[-1] = Chunk(cycle_id, last.first, day, last.rows + rows)
        else:
            found.append(Chunk(cycle_id, day, day, rows))
    return tuple(found)
