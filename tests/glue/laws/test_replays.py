"""Mend, then replay = judged by the mended schema from the start (L10), over random histories of events, bad
events, schema versions, replays and kills.

Each history is about keys of its own. Several share a topic, and with it the schema versions, replays and
kills, as those take most of the time. The topic has a twin: the same events, under the last schema from the
first cycle on.
"""

import random
from datetime import UTC, datetime, timedelta

from budget import SEED, budget
from histories import Killed, killed_in
from lake import Event
from rewound import Operator

from lean_ops.bookkeeping import ledger
from lean_ops.columns import names
from lean_ops.replay.curated import CuratedReplay
from lean_ops.tables.spark_tables import Tables
from lean_ops.tables.topic_table import TopicTable

TOPICS = budget(each_run=2, thorough=15)
HISTORIES = 4
"""Of each topic."""
CYCLES = 4
UNTIL = datetime(2090, 1, 1, tzinfo=UTC)
MAXIMA = (40, 60, 80)
"""Of the versions of the schema, in their order."""
STEPS = (
    (TopicTable, "upsert_rows"),
    (TopicTable, "append_rows"),
    (ledger, "write"),
    (CuratedReplay, "_close"),
    (Tables, "change"),
)


def schema(version):
    most = MAXIMA[version - 1]
    temperature = {"type": "number", "x-cde": True, "maximum": most}
    return {"temperature": temperature, "phase": {"type": "integer", "maximum": most}}


def events_of(chance, topic, history):
    """Of one history, cycle by cycle: new records, corrections that come in any order, copies, and values of
    every kind."""
    sent, found = [], []
    for _ in range(CYCLES):
        batch = []
        for _ in range(chance.randint(1, 4)):
            if sent and chance.random() < 0.15:
                batch.append(chance.choice(sent))
                continue
            number = len(sent)
            value = chance.choice([*range(10, 100, 10), "warm", None])
            payload = {"temperature": value, "phase": chance.choice([1, 50, 70, 90])}
            if chance.random() < 0.1:
                payload = "{"
            event = Event(
                payload,
                topic,
                f"{topic}-{history}-{number}",
                key=f"key-{history}-{chance.randint(1, 4)}",
                produced=chance.randint(0, 50) * 1000 + number,
                ingested=100_000 + number,
            )
            sent.append(event)
            batch.append(event)
        found.append(batch)
    return found


def shared(chance, topic):
    """The events of the histories of a topic, cycle by cycle."""
    histories = [events_of(chance, topic, number) for number in range(HISTORIES)]
    return [[event for batch in batches for event in batch] for batches in zip(*histories, strict=True)]


class Life:
    """A topic that lives through versions of its schema and replays, as its chance has them."""

    def __init__(self, number):
        self.chance = random.Random(f"{SEED}-{number}")
        self.topic, self.twin = f"mended.t{number}", f"twin.t{number}"
        state = self.chance.getstate()
        self.events = shared(self.chance, self.topic)
        self.chance.setstate(state)
        self.twins = shared(self.chance, self.twin)
        self.version, self.replays, self.deaths = 1, 0, 0

    def begin(self, lake):
        lake.activate(self.topic, 1, schema(1))
        lake.activate(self.twin, len(MAXIMA), schema(len(MAXIMA)))

    def after(self, lake, operator, cycle):
        """What people do after a cycle: a new version, with a backfill or without, and a replay."""
        is_last = cycle == CYCLES - 1
        if self.version < len(MAXIMA) and (is_last or self.chance.random() < 0.4):
            self.version = len(MAXIMA) if is_last else self.version + 1
            backfill = self.chance.random() < 0.3
            lake.activate(self.topic, self.version, schema(self.version), x_backfill=backfill)
        if is_last or self.chance.random() < 0.4:
            self.replay(lake, operator)

    def replay(self, lake, operator):
        self.replays += 1
        until = (UNTIL + timedelta(days=operator.number)).isoformat()
        operation = operator.begin("replay", self.topic, {"until": until, "schema_version": self.version})
        while self.chance.random() < 0.4:
            where, name = self.chance.choice(STEPS)
            try:
                with killed_in(where, name, 1, self.chance.random() < 0.5):
                    operator.run(operation)
                return
            except Killed:
                self.deaths += 1
        operator.run(operation)


def curated(rows, topic):
    """Key to the version that is there, with its values."""
    return {
        key: (row["message_id"].removeprefix(topic), row["temperature"], row["phase"])
        for key, row in rows.items()
    }


def test_mended_and_replayed_is_judged_by_the_mended_schema_from_the_start(new_lake):
    lake = new_lake()
    lives = [Life(number) for number in range(TOPICS)]
    operator = Operator(lake)
    for one in lives:
        one.begin(lake)
    for cycle in range(CYCLES):
        lake.deliver(*(event for one in lives for event in (*one.events[cycle], *one.twins[cycle])))
        assert lake.standardize().trouble() is None
        assert lake.curate().trouble() is None
        for one in lives:
            operator.now = UNTIL + timedelta(days=operator.number + 1, hours=1)
            one.after(lake, operator, cycle)
    # What a replay has put there is taken on by cycles, and replaying once more changes nothing.
    assert lake.standardize().trouble() is None
    assert lake.curate().trouble() is None
    errors = lake.rows("ops.errors")
    for one in lives:
        rows, twins = (lake.by_key(f"curated.{names.table_name(topic)}") for topic in (one.topic, one.twin))
        assert curated(rows, one.topic) == curated(twins, one.twin), one.topic
        for layer in ("standardized", "curated"):
            received, found = lake.balance(layer, one.topic)
            assert received == found, (one.topic, layer)
        left = open_errors(errors, one.topic)
        wrong = open_errors(errors, one.twin)
        assert left.items() <= wrong.items(), one.topic
        gone = {message for message in wrong if message not in left}
        newest = {key: row["produced_at"] for key, row in rows.items()}
        for row in errors:
            if row["topic_name"] == one.twin and row["message_id"].removeprefix(one.twin) in gone:
                sent = next(
                    each for batch in one.twins for each in batch if each.message_id == row["message_id"]
                )
                assert newest[row["idempotency_key"]] > sent.row()[4], row
    assert sum(one.replays for one in lives) >= TOPICS


def open_errors(errors, topic):
    """Message to disposition, by the newest version of the schema that has it on record, of those that nobody
    has closed."""
    found = {}
    for row in sorted(errors, key=lambda row: row["schema_version"]):
        if row["topic_name"] == topic and row["resolved_at"] is None:
            found[row["message_id"].removeprefix(topic)] = row["disposition"]
    return found
