"""The benchmarks' events, which are a pure function of topic, cycle and place, so that the right result is
known.

The number of a record gives its key, its time and its values. A cycle of n messages has n // 100 corrections,
which are records of the cycle before with a later produced_at and other values. It has as many copies, which
are messages of this cycle and of the one before that are sent again with the same message_id. The rest are
new records. The first cycle has new records only.
"""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from bench_plan import Topic

START_US = 1_795_428_000_000_000
"""2026-11-23T10:00:00Z."""
CYCLE_US = 900_000_000


@dataclass(frozen=True)
class Message:
    """A message of a topic.

    record: the number of its record in the topic.
    version: 0 as first sent, 1 as corrected.
    copy: the message is sent a second time.
    """

    record: int
    version: int = 0
    copy: bool = False


@dataclass(frozen=True)
class Counts:
    """The counts of one topic in one cycle, as the ledger has them."""

    records_in: int
    duplicates: int
    superseded: int
    written: int


def shares(cycle: int, events: int) -> tuple[int, int, int]:
    """Returns the numbers of a cycle's new records, corrections and copies."""
    if cycle == 0:
        return events, 0, 0
    one = max(1, events // 100)
    return events - 2 * one, one, one


def first_record(cycle: int, events: int) -> int:
    return sum(shares(before, events)[0] for before in range(cycle))


def messages(cycle: int, events: int) -> list[Message]:
    """Returns a cycle's messages in the order of arrival."""
    new, corrections, copies = shares(cycle, events)
    first, earlier = first_record(cycle, events), first_record(cycle - 1, events) if cycle else 0
    own = (copies + 1) // 2
    return [
        *(Message(first + n) for n in range(new)),
        *(Message(earlier + n, version=1) for n in range(corrections)),
        *(Message(first + n, copy=True) for n in range(own)),
        *(Message(earlier + corrections + n, copy=True) for n in range(copies - own)),
    ]


def counts(cycle: int, events: int) -> Counts:
    new, corrections, copies = shares(cycle, events)
    return Counts(events, copies, corrections, new + corrections)


def final_messages(cycles: int, events: int) -> dict[int, int]:
    """Returns record to the version that has to be in the tables after that many cycles."""
    final: dict[int, int] = {}
    for cycle in range(cycles):
        for message in messages(cycle, events):
            final[message.record] = max(message.version, final.get(message.record, 0))
    return final


def utc_text(micros: int) -> str:
    """Returns microseconds since 1970 as RFC 3339, to the millisecond."""
    return datetime.fromtimestamp(micros / 1_000_000, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


class TopicEvents:
    """The records of one topic. spacing_us: microseconds between the event times of one record and the
    next."""

    def __init__(self, topic: Topic, spacing_us: int, start_us: int = START_US) -> None:
        self.topic = topic.topic
        self._spacing_us = spacing_us // 1000 * 1000
        self._start_us = start_us
        self.seed = topic.number * 7_919 + 17
        self._members = _members(topic)

    def event_time(self, record: int) -> int:
        """Returns microseconds since 1970."""
        return self._start_us + record * self._spacing_us

    def produced_at(self, message: Message) -> int:
        return self.event_time(message.record) + 1_000_000 + message.version * 600_000_000

    def key(self, record: int) -> str:
        return f"dev-{_device(record, self.seed)}|{record:09d}"

    def message_id(self, message: Message) -> str:
        text = f"{self.topic}|{message.record}|{message.version}"
        return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()

    def payload(self, message: Message) -> str:
        time = utc_text(self.event_time(message.record))
        return "".join(
            text if value is None else value(_Draw(message, self.seed, at, time))
            for at, (text, value) in enumerate(self._members)
        )


class _Draw:
    """The numbers from which a value is made."""

    __slots__ = ("n", "record", "seed", "time")

    def __init__(self, message: Message, seed: int, at: int, time: str) -> None:
        self.record, self.seed, self.time = message.record, seed, time
        mixed = (message.record * 2_654_435_761 + at * 40_503 + message.version * 97_531 + seed) & 0xFFFFFFFF
        self.n = mixed ^ (mixed >> 15)


def _device(record: int, seed: int) -> str:
    return f"{(record * 7_919 + seed) % 997:03d}"


_VALUES: dict[str, Callable[[_Draw], str]] = {
    "device": lambda draw: f'"dev-{_device(draw.record, draw.seed)}"',
    "measured": lambda draw: f'"{draw.time}"',
    "text": lambda draw: f'"note {draw.n % 10_000} of line {draw.n % 13}"',
    "integer": lambda draw: str(draw.n % 100_000),
    "number": lambda draw: f"{draw.n % 1_000_000 / 1000:.3f}",
    "decimal": lambda draw: f"{draw.n % 10_000 / 100:.2f}",
    "boolean": lambda draw: "true" if draw.n % 2 else "false",
    "time": lambda draw: f'"{draw.time[:10]}T{draw.n % 24:02d}:{draw.n % 60:02d}:00Z"',
    "enum": lambda draw: ('"OK"', '"WARN"', '"FAIL"')[draw.n % 3],
    "serial": lambda draw: f'"SN-{draw.n % 1_000_000:06d}"',
}


def _members(topic: Topic) -> list[tuple[str, Callable[[_Draw], str] | None]]:
    """Returns a payload's text in parts: fixed texts, and values that are made for each event."""
    parts: list[tuple[str, Callable[[_Draw], str] | None]] = []
    text = "{"
    parent: str | None = None
    for at, field in enumerate(topic.fields):
        outer = field.path[0] if len(field.path) > 1 else None
        if parent is not None and outer != parent:
            text += "}"
        text += "," if at else ""
        if outer is not None:
            text = text + f'"{outer}":{{' if outer != parent else text
        parent = outer
        parts += [(f'{text}"{field.path[-1]}":', None), ("", _VALUES[field.kind])]
        text = ""
    parts.append((text + ("}" if parent is not None else "") + "}", None))
    return parts


def interleaved(
    topics: list[TopicEvents], cycle: int, events: int
) -> Iterator[tuple[int, TopicEvents, Message]]:
    """Yields (place, topic, message) of a cycle as they arrive: all topics take turns."""
    for place, message in enumerate(messages(cycle, events)):
        for topic in topics:
            yield place, topic, message
