"""Keeps the driver's calls of the Glue catalog below a limit a second, which all its threads share.

The limits of Glue's API are per account and region and are not published, and other engines use the same
ones. The clients slow down when Glue throttles them; this keeps a run with hundreds of topics from starting
that.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

LOAD = 1
"""Calls for loading a table, or for bringing a loaded one up to date: GetTable."""
COMMIT = 2
"""Calls for a commit by Iceberg's own classes: GetTable, which looks whether another commit was faster, and
UpdateTable. Some bring the table up to date before, and the newest metadata back after it."""
LIST = 2
"""Calls for listing a database: GetDatabase, and GetTables for each hundred tables."""
READ_BY_SPARK = 2
"""Calls for a query: the table is loaded when its name is resolved, and once more when it is planned."""
WRITE_BY_SPARK = 3 * LOAD + COMMIT
"""Calls for an append or an overwrite."""
MERGE_BY_SPARK = LOAD + WRITE_BY_SPARK

_THROTTLED = ("ThrottlingException", "Rate exceeded", "TooManyRequests", "RequestLimitExceeded")


class CatalogCalls:
    """A token bucket: `per_second` calls a second, after at most as many at once. None is no limit.

    Calls go in the order in which threads ask for them.
    """

    def __init__(
        self,
        per_second: float | None = None,
        on_throttled: Callable[[str, str], None] | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._per_second = per_second
        self._on_throttled = on_throttled
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.Lock()
        self._full_at = clock()
        """When the bucket is full again. In the future, it tells how much is taken."""
        self.taken = 0
        self.waited = 0.0
        """Seconds that threads have waited, all together."""

    def take(self, calls: int) -> None:
        """Waits until so many calls may be made."""
        with self._lock:
            self.taken += calls
            if self._per_second is None:
                return
            now = self._clock()
            self._full_at, wait = reserve(self._full_at, now, calls, self._per_second)
            self.waited += wait
        if wait > 0:
            self._sleep(wait)

    @contextmanager
    def made(self, calls: int, operation: str, table: str) -> Iterator[None]:
        """Takes the calls of an operation, and reports one that Glue throttled until the client gave up."""
        self.take(calls)
        try:
            yield
        except Exception as error:
            if self._on_throttled is not None and is_throttled(error):
                self._on_throttled(operation, table)
            raise


def reserve(full_at: float, now: float, calls: int, per_second: float) -> tuple[float, float]:
    """Takes calls out of a bucket that holds one second's worth and is full at `full_at`.

    Returns when it is full again, and the seconds after which the calls may be made. More calls than the
    bucket holds go through too, after a longer wait.
    """
    full_again = max(full_at, now) + calls / per_second
    return full_again, max(0.0, full_again - now - 1.0)


def is_throttled(error: Exception) -> bool:
    """Whether an error of Glue's client, or one that it caused, says that the service asks to slow down."""
    return any(word in str(error) for word in _THROTTLED)
