"""What maintenance keeps, rewrites and drops, as decisions over plain values: laws over random histories, and
the examples at their borders."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lean_ops.bookkeeping.curated_watermark import watermark_item
from lean_ops.maintenance import debt, orphans, raw_days
from lean_ops.maintenance.delta_retention import DeltaNeeds, cycles_to_drop
from lean_ops.maintenance.needs import TopicState, delta_needs, topic_states
from lean_ops.maintenance.raw_days import RawFile
from lean_ops.maintenance.snapshots import (
    UNNAMED_FOR,
    Rules,
    Snapshot,
    TableSnapshots,
    checkpoint_is_far,
    first_sequence_since,
    snapshots_to_expire,
)

START = datetime(2026, 11, 1, tzinfo=UTC)
KEPT, DAYS = 5, 7

# --- snapshots ---

steps = st.lists(
    st.tuples(
        st.sampled_from(["commit", "commit", "checkpoint", "rollback", "tag", "branch", "expire"]),
        st.integers(0, 30),
        st.floats(0.01, 3),
    ),
    min_size=30,
    max_size=60,
)


class History:
    """A table in memory to which somebody commits, and which maintenance expires."""

    def __init__(self) -> None:
        self.snapshots: dict[int, Snapshot] = {}
        self.current: int | None = None
        self.tags: set[int] = set()
        self.branches: set[int] = set()
        self.now = START
        self.read_up_to: int | None = None

    def table(self) -> TableSnapshots:
        return TableSnapshots(
            snapshots=list(self.snapshots.values()),
            current=self.current,
            branches=self.branches,
            tags=self.tags,
        )

    def lineage(self) -> list[int]:
        return [one.snapshot_id for one in self.table().lineage(self.current)]

    def last_checkpoint(self) -> int | None:
        found = (one for one in self.table().lineage(self.current) if one.has_checkpoint)
        return next((one.snapshot_id for one in found), None)

    def rules(self) -> Rules:
        read = () if self.read_up_to is None else (self.read_up_to,)
        return Rules(now=self.now, daily_for_days=DAYS, kept=KEPT, needed_after=read)

    def commit(self, has_checkpoint: bool) -> None:
        number = len(self.snapshots) + 1000 * (1 + max(self.snapshots, default=0) // 1000)
        self.snapshots[number] = Snapshot(
            snapshot_id=number,
            parent_id=self.current,
            committed_at=self.now,
            sequence=number,
            has_checkpoint=has_checkpoint,
        )
        self.current = number

    def apply(self, kind: str, number: int, days: float) -> None:
        self.now += timedelta(days=days)
        there = sorted(self.snapshots)
        if kind in ("commit", "checkpoint") or not there:
            self.commit(kind == "checkpoint")
        elif kind == "rollback":
            self.current = self.lineage()[number % len(self.lineage())]
        elif kind in ("tag", "branch"):
            (self.tags if kind == "tag" else self.branches).add(there[number % len(there)])
        else:
            for gone in snapshots_to_expire(self.table(), self.rules()):
                del self.snapshots[gone]


@given(steps, st.integers(0, 40))
def test_expiry_takes_nothing_that_somebody_needs_and_leaves_few(drawn, read) -> None:
    history = History()
    for one in drawn:
        history.apply(*one)
    lineage = history.lineage()
    history.read_up_to = lineage[read % len(lineage)] if lineage and read < 30 else None
    table, before = history.table(), history.last_checkpoint()
    gone = snapshots_to_expire(table, history.rules())
    for one in gone:
        del history.snapshots[one]
    after = history.lineage()

    assert not {*gone} & {history.current, *history.tags, *history.branches}
    assert after[:KEPT] == lineage[:KEPT]
    assert history.last_checkpoint() == before, "the last checkpoint is found along the parents"
    if history.read_up_to is not None:
        needed = lineage[: lineage.index(history.read_up_to) + 1]
        assert after[: len(needed)] == needed, "what was not read yet has no gap"
    recent = {at: one for one, at in sorted((one, table.by_id[one].committed_at.date()) for one in lineage)}
    oldest = (history.now - timedelta(days=DAYS)).date()
    for daily in (one for day, one in recent.items() if day > oldest):
        assert daily in history.snapshots
        near = [one.snapshot_id for _, one in zip(range(KEPT), table.lineage(daily), strict=False)]
        found = next((one for one in near if table.by_id[one].has_checkpoint), None)
        if found is not None:
            of_daily = (one for one in history.table().lineage(daily) if one.has_checkpoint)
            assert next(of_daily).snapshot_id == found, "a table that is taken back to a day goes on from it"
    chains = max(
        lineage.index(history.read_up_to) if history.read_up_to is not None else 0,
        lineage.index(before) if before is not None else 0,
    )
    young = sum(history.now - one.committed_at < UNNAMED_FOR for one in table.snapshots)
    named = len(history.tags) + KEPT * (1 + len(history.branches))
    assert len(history.snapshots) <= named + 2 * (DAYS + 1) * (KEPT + 1) + chains + 1 + young
    assert snapshots_to_expire(history.table(), history.rules()) == [], "a second time finds nothing"


def chain(*kinds: str) -> TableSnapshots:
    """Snapshots 1, 2, … of a branch, an hour apart; `c` carries a checkpoint."""
    snapshots = [
        Snapshot(
            snapshot_id=n,
            parent_id=n - 1 if n > 1 else None,
            committed_at=START + timedelta(hours=n),
            sequence=n,
            has_checkpoint=kind == "c",
        )
        for n, kind in enumerate(kinds, start=1)
    ]
    return TableSnapshots(snapshots=snapshots, current=len(kinds))


LATER = START + timedelta(days=60)


def test_a_table_that_was_rolled_back_behind_what_was_read_keeps_everything() -> None:
    assert snapshots_to_expire(chain(*"ccccc"), Rules(now=LATER, kept=1, needed_after=[99])) == []
    assert snapshots_to_expire(chain(*"ccccc"), Rules(now=LATER, kept=1, needs_all=True)) == []
    assert snapshots_to_expire(chain(*"ccccc"), Rules(now=LATER, kept=1)) == [1, 2, 3, 4]


def test_a_snapshot_of_each_day_stays_within_the_window() -> None:
    table = chain(*"x" * 240)
    now = START + timedelta(days=10)
    gone = {*snapshots_to_expire(table, Rules(now=now, kept=1, daily_for_days=3))}
    kept = [one for one in table.snapshots if one.snapshot_id not in gone]
    assert [one.committed_at - START for one in kept] == [
        timedelta(days=8, hours=23),
        timedelta(days=9, hours=23),
        timedelta(days=10),
    ]
    assert {*snapshots_to_expire(table, Rules(now=now, kept=1))} == {*range(1, 240)}


@pytest.mark.parametrize(
    ("end_of_day", "kept"),
    [("cx", [22, 23]), ("cxx", [21, 22, 23]), ("cxxxx", [19, 23]), ("x" * 23, [23])],
    ids=["a commit of others", "two", "more than are kept", "nothing but others"],
)
def test_a_day_keeps_the_checkpoint_from_which_a_table_that_is_taken_back_to_it_goes_on(
    end_of_day, kept
) -> None:
    """As when another engine compacts each night."""
    table = chain(*end_of_day.rjust(23, "c"), *"ccc")
    gone = snapshots_to_expire(table, Rules(now=START + timedelta(days=2), kept=3, daily_for_days=3))
    assert [n for n in range(1, 24) if n not in gone] == kept


def test_what_was_read_and_rolled_back_since_stays() -> None:
    rolled_back = TableSnapshots(snapshots=chain(*"ccc").snapshots, current=2)
    assert snapshots_to_expire(rolled_back, Rules(now=LATER, kept=1, needed_after=[3])) == []
    assert snapshots_to_expire(rolled_back, Rules(now=LATER, kept=1)) == [1, 3]


def test_what_an_undo_needs_stays_back_to_where_the_branches_part() -> None:
    """The ledger's entries of undone cycles are restored from their commits."""
    # Snapshots 1 to 12, of which 3 to 12 were undone. Others have come upon 2 since.
    undone = chain(*"cccccccccccc").snapshots
    since = [
        replace(one, snapshot_id=100 + n, parent_id=2 if n == 0 else 99 + n, sequence=100 + n)
        for n, one in enumerate(chain(*"cccccccc").snapshots)
    ]
    rules = Rules(now=START + timedelta(days=400), kept=KEPT)
    table = TableSnapshots(snapshots=[*undone, *since], current=107)
    assert set(range(3, 13)) <= set(snapshots_to_expire(table, rules))
    tagged = replace(table, tags={12}, undo_tags={12})
    gone = snapshots_to_expire(tagged, rules)
    assert not set(range(3, 13)) & set(gone)
    assert {1, 2} <= set(gone)


def test_what_was_read_may_have_expired_itself() -> None:
    table = chain(*"xxxx")
    rest = TableSnapshots(snapshots=table.snapshots[2:], current=4)
    rules = Rules(now=LATER, kept=1, needed_after=[2])
    assert snapshots_to_expire(rest, rules) == []
    assert snapshots_to_expire(table, rules) == [1]


def test_a_checkpoint_behind_many_commits_of_others_is_carried_over() -> None:
    table = chain(*"ccxxxx")
    assert snapshots_to_expire(table, Rules(now=LATER, kept=2)) == [1]
    assert checkpoint_is_far(table, kept=4)
    assert not checkpoint_is_far(table, kept=5)
    assert not checkpoint_is_far(chain(*"xxxxxx"), kept=2), "there is none to carry over"


# --- cycle_delta ---


def cycle(day: int) -> str:
    return f"{(START + timedelta(days=day)).strftime('%Y%m%dT%H%M%SZ')}-0a1b2c3d"


days = st.integers(0, 40)


@given(
    st.sets(days, min_size=1),
    st.none() | days,
    st.lists(days, max_size=2),
    st.lists(st.none() | days, max_size=3),
    days,
)
def test_a_cycle_is_dropped_when_nobody_needs_it(present, complete, held, curated, kept_days) -> None:
    now = START + timedelta(days=41)
    needs = DeltaNeeds(
        complete_through=None if complete is None else cycle(complete),
        held={f"held.{n}": cycle(day) for n, day in enumerate(held)},
        curated_through={f"t.{n}": None if day is None else cycle(day) for n, day in enumerate(curated)},
    )
    found = cycles_to_drop(map(cycle, present), needs, now=now, kept_days=kept_days)
    for day in present:
        needed = (
            day == max(present)
            or complete is None
            or day > complete
            or any(day >= first for first in held)
            or any(through is None or day > through for through in curated)
            or START + timedelta(days=day) >= now - timedelta(days=kept_days)
        )
        assert (cycle(day) in found.dropped) != needed


@pytest.mark.parametrize(
    ("needs", "why"),
    [
        (DeltaNeeds(complete_through=cycle(9)), "the newest cycle stays"),
        (DeltaNeeds(complete_through=None), "topics that Standardized has left behind"),
        (DeltaNeeds(complete_through=cycle(9), held={"a.b": cycle(3)}), "the topic a.b, which is held"),
        (
            DeltaNeeds(complete_through=cycle(9), curated_through={"a.b": None}),
            "the topic a.b, which Curated has not taken further",
        ),
    ],
)
def test_retention_says_what_keeps_a_cycle(needs, why) -> None:
    found = cycles_to_drop([cycle(3), cycle(4)], needs, now=START + timedelta(days=90), kept_days=30)
    assert found.kept_by == why
    assert cycle(4) not in found.dropped


def test_retention_says_which_cycles_stay_for_longer_than_the_window() -> None:
    now = START + timedelta(days=10)
    needs = DeltaNeeds(complete_through=cycle(2))
    found = cycles_to_drop(map(cycle, range(10)), needs, now=now, kept_days=5)
    assert found.dropped == (cycle(0), cycle(1), cycle(2))
    assert found.overdue == (cycle(3), cycle(4))
    well = cycles_to_drop(map(cycle, range(10)), DeltaNeeds(complete_through=cycle(9)), now=now, kept_days=5)
    assert well.overdue == ()
    assert cycles_to_drop([cycle(1)], needs, now=now, kept_days=1).overdue == (), "the newest cycle stays"
    assert cycles_to_drop(["0-by-hand", cycle(9)], needs, now=now, kept_days=5).overdue == ("0-by-hand",)


class Mirror:
    """The mirror of checkpoints, of which maintenance reads these."""

    def __init__(self, *, watermark: int, skipped: list[str], **through: int) -> None:
        reached = {topic: cycle(day) for topic, day in through.items() if topic not in skipped}
        looked = watermark_item(cycle(watermark), reached)
        self.items = {
            ("*", "raw"): {"complete_through": cycle(99)},
            ("*", "curated"): {**looked, "skipped": skipped},
            **{(topic, "curated"): {"delta_through": cycle(day)} for topic, day in through.items()},
        }

    def get(self, topic: str, layer: str) -> dict[str, object] | None:
        return self.items.get((topic, layer))

    def of_topics(self, topics, layer: str) -> dict[str, dict[str, object]]:
        return {topic: self.items[topic, layer] for topic in topics if (topic, layer) in self.items}


@pytest.mark.parametrize(
    ("topics", "mirror", "kept_from", "why"),
    [
        (["idle", "busy"], {"skipped": []}, 61, "the rewind window"),
        (["idle", "busy", "new"], {"skipped": []}, 0, "the topic new, which Curated has not taken further"),
        (["idle", "busy", "lost"], {"skipped": ["lost"]}, 61, "the rewind window"),
        (
            ["idle", "busy", "lost"],
            {"skipped": ["lost"], "lost": 50},
            51,
            "the topic lost, which Curated skips, as it has no active schema",
        ),
    ],
    ids=["none is skipped", "one is new", "one that was never taken is skipped", "one that was taken is"],
)
def test_a_topic_that_curated_skips_keeps_no_cycles_but_those_since_its_own_checkpoint(
    topics, mirror, kept_from, why
) -> None:
    registry = [{"topic_name": topic, "processing_enabled": True} for topic in topics]
    mirror = Mirror(watermark=80, idle=3, busy=80, **mirror)
    needs = delta_needs(mirror, registry)
    now = START + timedelta(days=91)
    found = cycles_to_drop(map(cycle, range(90)), needs, now=now, kept_days=30)
    assert found.kept_by == why
    assert found.dropped == tuple(map(cycle, range(kept_from)))


def test_a_cycle_whose_time_is_not_known_stays() -> None:
    needs = DeltaNeeds(complete_through="z")
    found = cycles_to_drop(["manual-run", "manual-run-2"], needs, now=START, kept_days=1)
    assert found.dropped == ()


# --- RAW ---


def raw_file(n: int, day: int = 1, **more) -> RawFile:
    given = {"size": 1 << 20, "sequence": n, "first": "a", "last": "z"}
    return RawFile(path=f"f{n}", day=date(2026, 11, day), **{**given, **more})


ranges = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)).map(sorted), max_size=12)


@given(ranges)
def test_the_depth_is_how_many_files_the_worst_topic_is_in(drawn) -> None:
    files = [raw_file(n, first=str(low), last=str(high)) for n, (low, high) in enumerate(drawn)]
    counted = [sum(low <= topic <= high for low, high in drawn) for topic in range(10)]
    assert raw_days.depth_of(files) == max(counted)
    assert raw_days.depth_of([*files, raw_file(99, first=None)]) == max(counted) + 1


def test_only_days_that_are_over_and_taken_are_compacted() -> None:
    files = [raw_file(n) for n in range(5)]
    over = datetime(2026, 11, 2, 3, tzinfo=UTC)

    def found(now: datetime, taken: int | None) -> list[date]:
        return [one.day for one in raw_days.days_to_compact(files, now=now, taken_sequence=taken)]

    assert found(over, 4) == [date(2026, 11, 1)]
    assert found(over - timedelta(seconds=1), 4) == []
    assert found(over, 3) == found(over, None) == []
    files.pop()
    assert found(over, 4) == [], "four files are few"


def test_the_deepest_day_comes_first_and_a_sorted_one_not_at_all() -> None:
    shallow = [raw_file(n) for n in range(5)]
    deep = [raw_file(10 + n, day=2) for n in range(9)]
    names = "abcdefghij"
    sorted_day = [raw_file(20 + n, day=3, first=names[n], last=names[n + 1]) for n in range(9)]
    now = datetime(2026, 11, 9, tzinfo=UTC)
    found = raw_days.days_to_compact([*shallow, *deep, *sorted_day], now=now, taken_sequence=99)
    assert [(one.day.day, one.depth) for one in found] == [(2, 9), (1, 5)]


def bounds(first: str, last: str) -> dict[str, str]:
    """The bounds of a text as Iceberg keeps them."""
    upper = last if len(last) <= 16 else last[:15] + chr(ord(last[15]) + 1)
    return {"first": first[:16], "last": upper}


def sorted_day(megabytes: list[int], target: int = raw_days.TARGET_BYTES) -> list[RawFile]:
    """The files of a day that was sorted by topic, of so many megabytes each. Their names are short and long
    ones, some of which are alike at the beginning."""
    rows = [
        (f"{'plant.line' if n % 2 else 'logistics.parcel-scan.'}{n:02}") for n, size in enumerate(megabytes)
    ]
    order = sorted(zip(rows, megabytes, strict=True))
    spread = [topic for topic, size in order for _ in range(size)]
    count = max(1, -(-(len(spread) << 20) // target))
    files, per_file = [], -(-len(spread) // count)
    for n, at in enumerate(range(0, len(spread), per_file)):
        part = spread[at : at + per_file]
        files.append(raw_file(n, size=len(part) << 20, **bounds(part[0], part[-1])))
    return files


@given(st.lists(st.integers(1, 1200), min_size=1, max_size=12))
def test_a_sorted_day_is_not_compacted_again_however_large_its_topics_are(megabytes) -> None:
    assert raw_days.days_to_compact(sorted_day(megabytes), now=LATER, taken_sequence=999) == []


@pytest.mark.parametrize("topic", ["device.alarm", "telemetry.energy", "logistics.parcel-scan"])
def test_small_files_of_a_single_topic_are_joined(topic) -> None:
    files = [raw_file(n, **bounds(topic, topic)) for n in range(9)]
    (found,) = raw_days.days_to_compact(files, now=LATER, taken_sequence=999)
    assert found.depth == 9


def test_a_day_that_was_sorted_in_parts_is_not_compacted_again() -> None:
    part = raw_days.MAX_GROUP_BYTES
    files = [raw_file(n, size=part) for n in range(9)]
    assert raw_days.days_to_compact(files, now=LATER, taken_sequence=99) == []
    assert [len(group) for group in raw_days.groups_of(files)] == [1] * 9


@given(st.lists(st.integers(1, 50), max_size=20), st.integers(1, 60))
def test_groups_have_every_file_once(sizes, room) -> None:
    files = [raw_file(n, size=size) for n, size in enumerate(sizes)]
    groups = raw_days.groups_of(files, room)
    assert [file for group in groups for file in group] == files
    assert all(len(group) == 1 or sum(file.size for file in group) <= room for group in groups)


def test_a_day_of_raw_is_dropped_only_when_all_of_it_was_taken() -> None:
    files = [raw_file(1), raw_file(2, day=2), raw_file(7, day=2), raw_file(8, day=9)]
    now = datetime(2026, 11, 10, 12, tzinfo=UTC)
    found = raw_days.days_to_drop(files, now=now, kept_days=5, taken_sequence=5)
    assert (found.days, found.refused) == ((date(2026, 11, 1),), (date(2026, 11, 2),))
    assert raw_days.days_to_drop(files, now=now, kept_days=None, taken_sequence=99).days == ()
    nothing = raw_days.days_to_drop(files, now=now, kept_days=5, taken_sequence=None)
    assert (nothing.days, len(nothing.refused)) == ((), 2)


# --- topic tables ---


def table_file(
    n: int, size: int = 1000, partition: str = "p", deletes: tuple[str, ...] = ()
) -> debt.TableFile:
    return debt.TableFile(path=f"f{n}", size=size, partition=partition, deletes=deletes)


def test_small_files_are_joined_by_partition() -> None:
    many = [table_file(n) for n in range(4)]
    few = [table_file(10 + n, partition="q") for n in range(3)]
    large = [table_file(20 + n, size=debt.SMALL_BYTES) for n in range(9)]
    found = debt.rewrite_of("t", [*many, *few, *large])
    assert found is not None
    assert (found.groups, found.gain, found.delete_files) == ([many], 3, frozenset())
    assert debt.rewrite_of("t", [*few, *large]) is None


def test_files_that_came_lately_are_not_joined_unless_rows_of_them_were_deleted() -> None:
    old = [replace(table_file(n), sequence=3) for n in range(4)]
    new = [replace(table_file(10 + n), sequence=7) for n in range(4)]
    found = debt.rewrite_of("t", [*old, *new], recent_from=7)
    assert found is not None
    assert found.groups == [old]
    assert debt.rewrite_of("t", new, recent_from=7) is None
    deleted_from = replace(new[0], deletes=("d1",))
    found = debt.rewrite_of("t", [*old[:1], deleted_from, *new[1:]], recent_from=7)
    assert found is not None
    assert found.groups == [[deleted_from, old[0]]]
    found = debt.rewrite_of("t", [*old, *new])
    assert found is not None
    assert found.groups == [[*old, *new]]


def test_what_is_recent_is_told_by_the_snapshots_that_are_kept() -> None:
    at = datetime(2026, 11, 10, 12, tzinfo=UTC)
    table = TableSnapshots(
        snapshots=[
            Snapshot(snapshot_id=n, parent_id=None, committed_at=at - timedelta(hours=9 - n), sequence=n)
            for n in range(1, 9)
        ],
        current=8,
    )
    assert first_sequence_since(table, at - timedelta(hours=3)) == 6
    assert first_sequence_since(table, at) is None


def test_delete_files_go_with_all_files_that_they_are_about() -> None:
    files = [
        table_file(1, size=debt.SMALL_BYTES, deletes=("d1",)),
        table_file(2, size=debt.SMALL_BYTES, deletes=("d1", "d2")),
        table_file(3, size=debt.SMALL_BYTES),
        table_file(4),
    ]
    found = debt.rewrite_of("t", files)
    assert found is not None
    assert found.delete_files == {"d1", "d2"}
    assert [file.path for file in found.groups[0]] == ["f1", "f2", "f4"]


def test_the_budget_goes_to_what_gains_most_for_its_bytes() -> None:
    def one(name: str, count: int, size: int) -> debt.Rewrite:
        found = debt.rewrite_of(name, [table_file(n, size=size) for n in range(count)])
        assert found is not None
        return found

    heavy, light, lighter = one("heavy", 10, 500_000), one("light", 10, 1000), one("lighter", 50, 1000)
    assert [r.table for r in debt.within_budget([heavy, light, lighter], 100_000)] == ["lighter", "light"]
    assert [r.table for r in debt.within_budget([heavy], 1)] == ["heavy"], "the first is always done"


def test_a_summary_tells_which_tables_need_no_look() -> None:
    clean = {"total-data-files": "3", "total-delete-files": "0"}
    assert debt.summary_is_clean(clean, 4)
    assert not debt.summary_is_clean(clean, 3)
    assert not debt.summary_is_clean({**clean, "total-delete-files": "1"}, 4)
    assert not debt.summary_is_clean({}, 4)


# --- orphans ---


def stored(path: str, age: timedelta) -> orphans.StoredObject:
    return orphans.StoredObject(path=path, size=1, written_at=LATER - age)


def test_an_orphan_is_removed_when_it_is_old_enough() -> None:
    old, young, named = (
        stored("b/old", timedelta(days=4)),
        stored("b/young", timedelta(days=2)),
        stored("b/named", timedelta(days=9)),
    )
    found = orphans.orphans_of([old, young, named], {"b/named"}, now=LATER)
    assert (found.found, found.removable) == ((old, young), (old,))
    running = LATER - timedelta(days=5)
    assert orphans.orphans_of([old], set(), now=LATER, oldest_operation=running).removable == ()


# --- topics ---


@pytest.mark.parametrize("owner", ["a.b", "a-b"])
def test_a_table_has_the_state_of_the_topic_that_owns_it(owner) -> None:
    registry = [
        {"topic_name": "a.b", "status": "MAINTENANCE", "epoch": 4},
        {"topic_name": "a-b", "error_code": "TOPIC_COLLISION"},
        {"topic_name": "table#a_b", "owner": owner},
    ]
    own = {"a.b": TopicState(topic="a.b", epoch=4, is_held=True)}.get(
        owner, TopicState(topic="a-b", epoch=0, is_held=False)
    )
    assert topic_states(registry, START) == topic_states(registry[::-1], START) == {"a_b": own}
