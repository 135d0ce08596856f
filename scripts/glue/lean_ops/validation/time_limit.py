"""The time that the texts of one topic may take in one task (docs/decisions/0019-time-of-texts.md)."""

import time
from collections.abc import Callable

import pyarrow as pa

from lean_ops.errors import LeanOpsError

MAX_SECONDS = 600.0
"""The CPU time in which a task validates the texts of a topic. 100,000 messages with 50 columns that Arrow
cannot read take some 15 seconds."""

Read = Callable[[int], None]
"""Is called with the row index of each text that was read. Raises TopicTooSlowError when the time is up."""
Reading = Callable[[str], Read]
"""Returns what is called with the texts of one column."""


class TopicTooSlowError(LeanOpsError):
    """The texts of a topic take more time than they may. The message names the message that was being read
    when the time was up."""


def unlimited(_n: int) -> None:
    """A Read without a limit."""


def no_limit(_column: str) -> Read:
    """A Reading without a limit."""
    return unlimited


class TimeLimit:
    """A limit of the CPU time of the thread that makes it, from then on.

    Neither time spent waiting for files nor that of other topics in the process counts. It is looked at
    between texts: Python interrupts no call into C, so the last text is read to its end. How long that can
    take is bounded, as all parsers are linear (tests/glue/laws/test_linear_time.py).
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._cpu_end = time.thread_time() + seconds
        # A thread has no more CPU time than time goes by, and the clock on the wall is quicker to read.
        self._earliest_end = time.perf_counter() + seconds

    def reading(self, message_ids: pa.ChunkedArray) -> Reading:
        """The Reading for rows with these message ids."""

        def of_column(column: str) -> Read:
            def read(n: int) -> None:
                if time.perf_counter() < self._earliest_end or time.thread_time() < self._cpu_end:
                    return
                raise TopicTooSlowError(
                    f"message {message_ids[n].as_py()} was being read, column {column}, when the topic had "
                    f"taken {self._seconds:g} s of CPU time in one task: look at that text in RAW"
                )

            return read

        return of_column
