"""The ledger: a row for each topic, layer and cycle that says where the messages went.

The rows are made from the commits of the topics' tables, so a run that is killed loses none. They add up:

Standardized: Σ records_in + Σ replayed = rows of the table + Σ duplicates + Σ superseded + Σ parse_errors
              + Σ forgotten.
Curated:      Σ records_in + Σ replayed = rows of the table + Σ duplicates + Σ superseded + Σ rejected
              + Σ forgotten, where records_in counts the versions that were validated.

An operation that erases keys has an entry of its own, with its id in the place of a cycle's: `forgotten` are
the rows that it took from the table. So has one that replays errors: `replayed` are messages that had been
refused, and `superseded` those of them that lost to another, and the rows that lost to one of them.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from pyspark.sql import functions as F

from lean_ops.tables.commits import Commit
from lean_ops.tables.ops_rows import naive_utc, to_frame
from lean_ops.tables.spark_tables import Tables

TABLE = "ledger"
COUNTS = (
    "records_in",
    "duplicates",
    "superseded",
    "written",
    "parse_errors",
    "rejected",
    "nulled",
    "rescued",
    "new_columns",
    "forgotten",
    "replayed",
    "noted",
)
SCHEMA = (
    "topic_name string, layer string, cycle_id string, "
    + "".join(f"{name} bigint, " for name in COUNTS[:-3])
    + "started_at timestamp_ntz, finished_at timestamp_ntz, status string, error string, "
    + "forgotten bigint, replayed bigint, noted bigint"
)
DONE = "SUCCEEDED"
FAILED = "FAILED"
FENCED = "FENCED"
"""An operation took the topic over while the run was under way, so the run has not taken the cycle."""
REWOUND = "REWOUND"
"""An operation has moved the table behind this cycle's commit. A later cycle has its messages."""
REBUILT = "REBUILT"
"""Not a cycle, but the correction by which an operation has rebuilt the table: `cycle_id` names it, and its
counts are differences, which may be negative. The sums over all rows are those of the rebuilt table."""
REPLAYED = "REPLAYED"
"""Not a cycle, but an operation that has brought messages into the table which had been refused."""
CORRECTIONS = (REBUILT, REPLAYED)
UNBALANCED = "UNBALANCED"
"""The cycle is done, but its counts disagree with the table."""
_KEYS = ("topic_name", "layer", "cycle_id")
_NOT_IN_TABLE = ("duplicates", "superseded", "parse_errors", "rejected")
_COUNTS_PROPERTY = "lean-ops.counts"
_STARTED_PROPERTY = "lean-ops.started-at"
_OPERATED_PROPERTY = "lean-ops.operated-between"
ENTRY_PROPERTIES = (_COUNTS_PROPERTY, _STARTED_PROPERTY, _OPERATED_PROPERTY)
"""The properties of a commit from which its entry is made."""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A row of the ledger.

    started_at, finished_at: aware times.
    counts: by names of COUNTS; a name that is absent counts 0.
    error: why the topic has not taken the cycle.
    fenced: whether that is because an operation took the topic over, which is no failure.
    rewound: whether it is because an operation has moved the table back, which is none either.
    imbalance: how the counts disagree with the table.
    correction: REBUILT or REPLAYED, where it is the correction by such an operation.
    """

    topic: str
    layer: str
    cycle_id: str
    started_at: datetime
    finished_at: datetime
    counts: Mapping[str, int] = field(default_factory=dict)
    error: str | None = None
    fenced: bool = False
    rewound: bool = False
    imbalance: str | None = None
    correction: str | None = None

    @property
    def status(self) -> str:
        if self.error is not None:
            return FENCED if self.fenced else REWOUND if self.rewound else FAILED
        if self.correction is not None:
            return self.correction
        return DONE if self.imbalance is None else UNBALANCED


def commit_properties(
    counts: Mapping[str, int], started_at: datetime, *, operated: bool = False
) -> dict[str, str]:
    """Returns what a topic's commit carries, so that its entry can be made from it even after a crash.

    operated: whether an operation has changed the table between this commit and one of the same cycle.
    """
    return {
        _COUNTS_PROPERTY: json.dumps(dict(counts), sort_keys=True),
        _STARTED_PROPERTY: started_at.astimezone(UTC).isoformat(),
        **({_OPERATED_PROPERTY: "true"} if operated else {}),
    }


def has_entry(commit: Commit) -> bool:
    """Whether a commit is one of a cycle, from which an entry can be made."""
    return _COUNTS_PROPERTY in commit.properties


def entry_of(topic: str, layer: str, commit: Commit) -> Entry | None:
    """Returns the entry of a commit, or None for a commit that no cycle made."""
    if not has_entry(commit):
        return None
    started = datetime.fromisoformat(commit.properties[_STARTED_PROPERTY])
    counts = json.loads(commit.properties[_COUNTS_PROPERTY])
    imbalance = _imbalance(counts, commit)
    return Entry(
        topic=topic,
        layer=layer,
        cycle_id=commit.cycle_id,
        started_at=started,
        finished_at=commit.committed_at,
        counts=counts,
        imbalance=imbalance,
    )


def _imbalance(counts: Mapping[str, int], commit: Commit) -> str | None:
    """Compares the rows that the table gained since the cycle before with those that it should have gained by
    the counts. Returns None when they agree.

    This finds rows that a merge doubled or lost, and rows that somebody else wrote or deleted in between. It
    is reported once, because the next cycle starts from the rows that are there then.
    """
    if commit.rows is None or commit.rows_before is None or _OPERATED_PROPERTY in commit.properties:
        return None
    gone = sum(counts.get(name, 0) for name in _NOT_IN_TABLE)
    wanted = commit.rows_before + counts.get("records_in", 0) - gone
    if commit.rows == wanted:
        return None
    came = counts.get("records_in", 0)
    return (
        f"LEDGER_UNBALANCED: the table has {commit.rows} rows and should have {wanted}: it had "
        f"{commit.rows_before}, {came} came in, {gone} of them were no rows of their own"
    )


def log_entry(log: Callable[..., None], entry: Entry) -> None:
    """Logs one line about a topic, and one more when people have to look."""
    about = {"topic_name": entry.topic, "of_cycle_id": entry.cycle_id, "layer": entry.layer}
    if entry.error is not None:
        log("topic failed", level="ERROR", **about, reason=entry.error)
        return
    log("topic done", **about, **entry.counts)
    if entry.imbalance is not None:
        log("ledger unbalanced", level="ERROR", **about, reason=entry.imbalance)


def write(tables: Tables, entries: Sequence[Entry]) -> None:
    """Writes the entries in one commit. An entry replaces the one of the same topic, layer and cycle.

    What is read of the ledger does not grow with it: a file has the rows of one layer and few cycles, and its
    bounds say which. In a cycle that is new to the layer no file is read, and the entries are appended.
    """
    if not entries:
        return
    ledger = tables.name("ops", TABLE)
    rows = to_frame(tables.spark, [_row(entry) for entry in entries], SCHEMA)
    among = _among(entries)
    # There are as few of them as topics in those cycles. A join with the entries would cost Spark five times
    # as much as to bring them here.
    found = tables.read(ledger).alias("t").where(among).select(*_KEYS).collect()
    if {tuple(row) for row in found}.isdisjoint((one.topic, one.layer, one.cycle_id) for one in entries):
        tables.append(rows.coalesce(1), ledger, {})
    else:
        tables.upsert(rows, ledger, _KEYS, {}, among)


def entered(tables: Tables, layer: str, cycles: Mapping[str, str]) -> set[str]:
    """Returns the topics that are through with their cycle by an entry. cycles: topic to cycle."""
    rows = (
        tables.read(tables.name("ops", TABLE))
        .where((F.col("layer") == layer) & F.col("topic_name").isin(*cycles))
        .where(F.col("cycle_id").isin(*set(cycles.values())) & (F.col("status") == DONE))
        .select("topic_name", "cycle_id")
        .collect()
    )
    return {row["topic_name"] for row in rows if cycles[row["topic_name"]] == row["cycle_id"]}


def _among(entries: Sequence[Entry]) -> str:
    """Returns the condition on the ledger `t` that these entries meet: their layers, and the cycles from the
    first to the last."""
    cycles = sorted(entry.cycle_id for entry in entries)
    layers = ", ".join(_literal(layer) for layer in sorted({entry.layer for entry in entries}))
    return f"t.layer IN ({layers}) AND t.cycle_id BETWEEN {_literal(cycles[0])} AND {_literal(cycles[-1])}"


def _literal(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _row(entry: Entry) -> dict[str, Any]:
    return {
        "topic_name": entry.topic,
        "layer": entry.layer,
        "cycle_id": entry.cycle_id,
        **{name: int(entry.counts.get(name, 0)) for name in COUNTS},
        "started_at": naive_utc(entry.started_at),
        "finished_at": naive_utc(entry.finished_at),
        "status": entry.status,
        "error": entry.error or entry.imbalance,
    }
