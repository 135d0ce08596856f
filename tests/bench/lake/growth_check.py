"""Checks that the growth benchmark's cycles did their work: `growth_check.py PLAN ROWS NUMBER:DAYS…`, after
all of them.

For each topic it checks the rows of both tables, and what the ledger says of the last cycle. Prints
`{"faults": [...]}`.
"""

import sys

from balance import LAYERS, rows_of
from bench_plan import answer, iceberg_catalog, read_plan
from growth_events import CYCLE, FIRST, SHARE

_WANTED = {
    "records_in": CYCLE,
    "duplicates": SHARE,
    "superseded": SHARE,
    "written": CYCLE - SHARE,
    "rejected": 0,
    "status": "SUCCEEDED",
}


def main() -> None:
    plan, rows = read_plan(sys.argv[1]), int(sys.argv[2])
    catalog = iceberg_catalog()
    entries = catalog.load_table((plan.database("ops"), "ledger")).scan().to_arrow().to_pylist()
    last = {
        (entry["topic_name"], entry["layer"]): {name: entry[name] for name in _WANTED}
        for entry in sorted(entries, key=lambda entry: entry["cycle_id"])
    }
    faults = []
    for pair in sys.argv[3:]:
        number, days = (int(part) for part in pair.split(":"))
        topic, wanted = plan.topics[number], days * rows + FIRST + CYCLE - 2 * SHARE
        for layer in LAYERS:
            found = rows_of(catalog, (plan.database(layer), topic.table))
            entry = last.get((topic.topic, layer))
            if found != wanted or entry != _WANTED:
                faults.append(f"{topic.topic}, {layer}: {found} rows, not {wanted}; its last cycle: {entry}")
    answer({"faults": faults})


if __name__ == "__main__":
    main()
