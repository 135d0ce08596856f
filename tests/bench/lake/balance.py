"""Checks that everything adds up: `balance.py PLAN CYCLES EVENTS [HISTORY]`, after CYCLES cycles with EVENTS
events for each topic. HISTORY: how many rows each table has had from before, see life_history.py.

It compares the ledger's entry of each topic, layer and cycle, the rows of each table, and for some topics the
message with which each record ended, with what events.py says. Prints `{"faults": [...], "rows": {layer:
n}}`.
"""

import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from typing import Any

from bench_plan import Plan, Topic, answer, iceberg_catalog, read_plan, say
from events import CYCLE_US, Message, TopicEvents, counts, final_messages
from growth_events import HISTORY_MARK

LAYERS = ("standardized", "curated")
_NOT_HERE = ("parse_errors", "rejected", "nulled", "rescued", "new_columns")
_READ_WHOLE = 6
_THREADS = 8
_LISTED = 20


def ledger_faults(plan: Plan, catalog: Any, cycles: int, events: int) -> list[str]:
    """Compares the ledger with events.py. The n-th cycle id in order stands for the benchmark's cycle n."""
    entries = catalog.load_table((plan.database("ops"), "ledger")).scan().to_arrow().to_pylist()
    names = sorted({entry["cycle_id"] for entry in entries})
    if len(names) != cycles:
        return [f"the ledger has {len(names)} cycles, not {cycles}"]
    found = Counter((entry["topic_name"], entry["layer"], entry["cycle_id"]) for entry in entries)
    due = product((topic.topic for topic in plan.topics), LAYERS, names)
    faults = [f"{', '.join(key)}: {found[key]} ledger entries" for key in due if found[key] != 1]
    for entry in entries:
        wanted = counts(names.index(entry["cycle_id"]), events)
        got = {name: entry[name] for name in ("records_in", "duplicates", "superseded", "written")}
        none = {name: entry[name] for name in _NOT_HERE}
        if got != vars(wanted) or any(none.values()) or entry["status"] != "SUCCEEDED":
            about = f"{entry['topic_name']}, {entry['layer']}, {entry['cycle_id']}"
            faults.append(f"{about}: {entry['status']} {got} {none}, not {wanted}: {entry['error']}")
    return faults


def rows_of(catalog: Any, name: tuple[str, str]) -> int:
    """Returns the number of a table's rows, by its own summary."""
    snapshot = catalog.load_table(name).current_snapshot()
    if snapshot is None:
        return 0
    summary = snapshot.summary
    return int(summary["total-records"]) - int(summary["total-position-deletes"] or 0)


def content_faults(plan: Plan, catalog: Any, topic: Topic, wanted: dict[int, int], events: int) -> list[str]:
    """Reads the topic's tables whole. Each record must be there once, with the message that had to win."""
    made = TopicEvents(topic, CYCLE_US // events)
    messages = {
        made.key(record): made.message_id(Message(record, version)) for record, version in wanted.items()
    }
    faults = []
    for layer in LAYERS:
        table = catalog.load_table((plan.database(layer), topic.table))
        rows = table.scan(selected_fields=("idempotency_key", "message_id")).to_arrow()
        pairs = zip(rows["idempotency_key"].to_pylist(), rows["message_id"].to_pylist(), strict=True)
        own = [pair for pair in pairs if not pair[0].startswith(HISTORY_MARK)]
        if len(own) != len(messages) or dict(own) != messages:
            faults.append(f"{topic.topic}, {layer}: {len(own)} rows are not the {len(messages)} that won")
    return faults


def main() -> None:
    plan = read_plan(sys.argv[1])
    cycles, events, history = int(sys.argv[2]), int(sys.argv[3]), sum(map(int, sys.argv[4:]))
    catalog = iceberg_catalog()
    faults = ledger_faults(plan, catalog, cycles, events)
    say("the ledger is read")
    wanted = final_messages(cycles, events)
    tables = [(topic, layer) for topic in plan.topics for layer in LAYERS]
    rows: Counter[str] = Counter()
    with ThreadPoolExecutor(_THREADS) as pool:
        names = [(plan.database(layer), topic.table) for topic, layer in tables]
        for (topic, layer), n in zip(
            tables, pool.map(lambda name: rows_of(catalog, name), names), strict=True
        ):
            rows[layer] += n
            if n != len(wanted) + history:
                faults.append(f"{topic.topic}, {layer}: {n} rows, not {len(wanted) + history}")
    say("the rows are counted")
    for topic in plan.topics[:: max(1, len(plan.topics) // _READ_WHOLE)]:
        faults += content_faults(plan, catalog, topic, wanted, events)
    answer({"faults": faults[:_LISTED], "rows": dict(rows)})


if __name__ == "__main__":
    main()
