"""The limit of calls of the Glue catalog, which all threads of the driver share."""

import time
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lean_ops.spark.catalog_calls import CatalogCalls, is_throttled, reserve


class FakeTime:
    def __init__(self) -> None:
        self.now = 1000.0

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@given(
    st.integers(1, 200),
    st.lists(st.tuples(st.integers(1, 5), st.floats(0, 2)), min_size=1, max_size=60),
)
def test_no_stretch_of_time_has_more_calls_than_the_rate_and_one_second_on_top(per_second, asked):
    """asked: how many calls each asks for, and the seconds since the one before asked."""
    full_at = now = 1000.0
    made = []
    for calls, pause in asked:
        now += pause
        full_at, wait = reserve(full_at, now, calls, per_second)
        made.append((now + wait, calls))
    times = [when for when, _ in made]
    assert all(later >= earlier - 1e-6 for earlier, later in pairwise(times)), (
        "in the order in which they asked"
    )
    for first, (begin, saved_for) in enumerate(made):
        in_stretch = 0
        for end, calls in made[first:]:
            in_stretch += calls
            # The calls with which the stretch begins may have been saved for before it.
            assert in_stretch <= per_second * (end - begin + 1) + saved_for + 1e-6


@given(st.integers(4, 100), st.lists(st.integers(1, 4), min_size=1, max_size=40))
def test_calls_below_the_rate_never_wait(per_second, asked):
    full_at = now = 1000.0
    for calls in asked:
        full_at, wait = reserve(full_at, now, calls, per_second)
        assert wait == pytest.approx(0, abs=1e-9)
        now += calls / per_second


def test_the_rate_is_reached_and_kept_over_a_long_run():
    fake = FakeTime()
    calls = CatalogCalls(50, clock=lambda: fake.now, sleep=fake.sleep)
    for _ in range(1000):
        calls.take(3)
    assert fake.now - 1000 == pytest.approx(3000 / 50 - 1)
    assert (calls.taken, calls.waited) == (3000, pytest.approx(59))


def test_threads_share_one_limit():
    calls = CatalogCalls(100)
    began = time.monotonic()
    with ThreadPoolExecutor(32) as threads:
        list(threads.map(lambda _: calls.take(3), range(60)))
    assert calls.taken == 180
    # A hundred at once, and eighty at a hundred a second.
    assert time.monotonic() - began >= 0.79


def test_without_a_limit_nothing_waits():
    def sleep(_: float) -> None:
        pytest.fail("it slept")

    calls = CatalogCalls(sleep=sleep)
    for _ in range(10_000):
        calls.take(4)
    assert calls.taken == 40_000


def test_a_call_that_glue_throttled_to_the_end_is_reported_once_and_others_are_not():
    reported = []
    calls = CatalogCalls(100, lambda operation, table: reported.append((operation, table)))
    for operation, error in {
        "load": RuntimeError("GlueException: Rate exceeded (Service: Glue, Status Code: 400)"),
        "commit": RuntimeError("Cannot commit: another writer"),
    }.items():
        with pytest.raises(RuntimeError, match=str(error)[:10]), calls.made(2, operation, "lake.t"):
            raise error
    with calls.made(1, "append", "lake.t"):
        pass
    assert reported == [("load", "lake.t")]
    assert calls.taken == 5
    assert is_throttled(RuntimeError("… ThrottlingException …"))
