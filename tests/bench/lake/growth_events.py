"""Events of topics with a long history: `growth_events.py PLAN ROWS PHASE NUMBER:DAYS…` appends them to RAW.

A topic has ROWS records a day on DAYS days, from midnight to 20:00, which growth_history.py writes to the
tables. The events of this file are later records of the last day. The phase `first` has a few. The phase
`cycle` has 1,000 messages, of which 1 % are corrections of that day's history and 1 % copies. Prints
`{"rows"}`.
"""

import sys

from append_raw import append, raw_row
from bench_plan import Topic, answer, read_plan
from events import Message, TopicEvents

DAY_US = 86_400_000_000
LAST_DAY_US = 1_795_392_000_000_000
"""2026-11-23T00:00:00Z."""
IN_USE_US = 72_000_000_000
FIRST = 100
CYCLE = 1_000
SHARE = 10
HISTORY_MARK = "before-"
"""What the keys of rows from before a life begin with, so that none of its events has one of them."""


class GrowthEvents(TopicEvents):
    """The records of a topic with history: those below `total` are in the tables already. mark: with what
    their keys and message ids begin."""

    mark = ""

    def __init__(self, topic: Topic, days: int, rows: int) -> None:
        super().__init__(topic, 0)
        self.days, self.rows, self.total = days, rows, days * rows
        self.first_day_us = LAST_DAY_US - (days - 1) * DAY_US
        self.step_us = IN_USE_US // rows // 1000 * 1000

    def event_time(self, record: int) -> int:
        if record >= self.total:
            return LAST_DAY_US + IN_USE_US + (record - self.total) * 1_000_000
        day, place = divmod(record, self.rows)
        return self.first_day_us + day * DAY_US + place * self.step_us

    def first(self) -> list[Message]:
        return [Message(self.total + n) for n in range(FIRST)]

    def cycle(self) -> list[Message]:
        start, day = self.total + FIRST, self.total - self.rows
        step = self.rows // (2 * SHARE)
        new = CYCLE - 2 * SHARE
        return [
            *(Message(start + n) for n in range(new)),
            *(Message(day + 2 * n * step, version=1) for n in range(SHARE)),
            *(Message(start + n, copy=True) for n in range(SHARE // 2)),
            *(Message(day + (2 * n + 1) * step, copy=True) for n in range(SHARE // 2)),
        ]


def main() -> None:
    plan, rows, phase = read_plan(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    made = []
    for pair in sys.argv[4:]:
        number, days = (int(part) for part in pair.split(":"))
        topic = GrowthEvents(plan.topics[number], days, rows)
        messages = topic.first() if phase == "first" else topic.cycle()
        now = LAST_DAY_US + DAY_US - 3_600_000_000 + (0 if phase == "first" else 900_000_000)
        made += [raw_row(topic, message, now + place * 1_000) for place, message in enumerate(messages)]
    append(plan, made)
    answer({"rows": len(made)})


if __name__ == "__main__":
    main()
