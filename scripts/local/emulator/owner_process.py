"""Ends the account together with the process that it was started for.

A test runner that is killed cannot end what it has started. The process to watch is named by its id and is
not taken to be the parent: `pnpm local up` starts the account and ends long before the tests do.
"""

import os
import select
import sys
import threading
from collections.abc import Callable


def call_on_exit(pid: int, action: Callable[[], object]) -> None:
    """Calls `action` on another thread when process `pid` ends, or at once when there is no such process."""

    def watch() -> None:
        wait_for_exit(pid)
        action()

    threading.Thread(target=watch, name="owner-process", daemon=True).start()


def wait_for_exit(pid: int) -> None:
    """Returns when process `pid` has ended, also when nobody has collected its exit status yet.

    The kernel reports the end, so a later process that gets the same id is never mistaken for this one.
    """
    try:
        if sys.platform == "linux":
            descriptor = os.pidfd_open(pid)
            select.select([descriptor], [], [])
            os.close(descriptor)
        else:
            exited = select.kevent(
                pid, select.KQ_FILTER_PROC, select.KQ_EV_ADD | select.KQ_EV_ONESHOT, select.KQ_NOTE_EXIT
            )
            select.kqueue().control([exited], 1)
    except ProcessLookupError:
        return
