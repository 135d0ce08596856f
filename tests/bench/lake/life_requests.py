"""What a cycle costs: its time, and its requests and bytes as the stack counts them."""

import json
import os
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench_plan import Plan

_KINDS = {
    "data": "data/",
    "metadata.json": "metadata/00",
    "lists": "metadata/snap-",
    "metadata": "metadata/",
}
"""What the keys of a kind of file begin with, below a table's location: metadata files are numbered, with
zeros in front, and lists of manifests begin with `snap-`. All others below `metadata/` are manifests."""
OPS_TABLES = ("cycle_delta", "drift_log", "errors", "ledger", "operations", "parse_errors")
_CLOCK_TICKS = os.sysconf("SC_CLK_TCK")


def parts_of(plan: Plan) -> dict[str, list[str]]:
    """The parts of the lake whose reading is counted apart, such as `curated/lists`, with the prefixes of
    `/bucket/key` that make up each of them. What begins with `metadata` has the other two kinds in it."""
    topics = [topic.table for topic in plan.topics]
    tables = {
        "raw": ("raw", ["events"]),
        "standardized": ("standardized", topics),
        "curated": ("curated", topics),
    }
    tables |= {f"ops.{table}": ("ops", [table]) for table in OPS_TABLES}
    return {
        f"{name}/{kind}": [f"/{plan.lake}/warehouse/{plan.database(layer)}/{table}/{start}" for table in own]
        for name, (layer, own) in tables.items()
        for kind, start in _KINDS.items()
    }


class Meter:
    """Measures what is done inside of `measured`."""

    def __init__(self, plan: Plan) -> None:
        self._parts = parts_of(plan)
        self._prefixes = [prefix for prefixes in self._parts.values() for prefix in prefixes]

    @contextmanager
    def measured(self, into: dict[str, Any]) -> Iterator[None]:
        """Fills in seconds by the clock, seconds of CPU of this process and its descendants, the requests by
        operation, and what was read by part of the lake."""
        _admin("reads", {"prefixes": self._prefixes})
        _admin("waits", {"milliseconds": {}})
        cpu, begun = _cpu_seconds(), time.monotonic()
        yield
        into["seconds"] = time.monotonic() - begun
        into["cpu_seconds"] = _cpu_seconds() - cpu
        into["requests"] = _admin("waits")["requests"]
        counts = _admin("reads")
        into["reads"] = _by_kind({part: _sum(counts, prefixes) for part, prefixes in self._parts.items()})


Read = dict[str, int]
"""Counts of `requests` and `bytes`."""


def _sum(counts: dict[str, Read], prefixes: list[str]) -> Read:
    return {what: sum(counts[prefix][what] for prefix in prefixes) for what in ("requests", "bytes")}


def _by_kind(parts: dict[str, Read]) -> dict[str, Read]:
    """The parts with `manifests` in the place of `metadata`, so that nothing is counted twice."""
    found = {}
    for part, read in parts.items():
        table, _, kind = part.rpartition("/")
        if kind != "metadata":
            found[part] = read
            continue
        others = [parts[f"{table}/{other}"] for other in ("metadata.json", "lists")]
        found[f"{table}/manifests"] = {
            what: count - sum(other[what] for other in others) for what, count in read.items()
        }
    return found


def _admin(route: str, body: Any = None) -> Any:
    """Asks one of the stack's own routes, or sets it when there is a body."""
    url = f"{os.environ['AWS_ENDPOINT_URL']}/_lean_ops/{route}"
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(urllib.request.Request(url, data), timeout=60) as response:
        return json.load(response)


def _cpu_seconds() -> float:
    """CPU of this process, of Spark's JVM and of its Python workers; 0 on systems without /proc."""
    parents: dict[int, int] = {}
    used: dict[int, int] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            # After the name in parentheses: state, parent, and from the 12th on user and system.
            fields = stat.read_text().rpartition(") ")[2].split()
        except OSError:
            continue  # The process has ended in the meantime.
        pid = int(stat.parent.name)
        parents[pid], used[pid] = int(fields[1]), int(fields[11]) + int(fields[12])
    ours, total = os.getpid(), 0
    for pid, ticks in used.items():
        above = pid
        while above not in (ours, 0):
            above = parents.get(above, 0)
        total += ticks if above == ours else 0
    return total / _CLOCK_TICKS
