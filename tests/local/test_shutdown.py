"""Nothing of the stack outlives it, however it ends."""

import signal
from collections.abc import Callable

from local_stack import Stack, descendants


def test_a_killed_emulator_takes_spark_and_its_jvm_along(start: Callable[[], Stack]) -> None:
    stack = start()
    assert len(descendants(stack.process.pid)) >= 2
    assert stack.end(signal.SIGKILL) == set()
