"""What Standardized and Curated must hold for a set of events, in plain Python: no cycles, no arrival, no
tables."""

import json
from collections.abc import Callable, Iterable

from lake import Event


def rank(event: Event) -> tuple:
    """The total order of DESIGN §4, with what order.py adds to make it total."""
    event_time = float("-inf") if event.event is None else event.event
    return (event.produced, event.message_id, -event.ingested, event.row()[9], -event.ingested, event_time)


def readable(event: Event) -> bool:
    try:
        json.loads(event.text)
    except ValueError:
        return False
    return True


def winners(
    events: Iterable[Event],
    valid: Callable[[Event], bool] = lambda _: True,
    readable: Callable[[Event], bool] = readable,
) -> dict[str, Event]:
    """The greatest valid event of each key."""
    best: dict[str, Event] = {}
    for event in events:
        key = event.row()[2]
        if readable(event) and valid(event) and (key not in best or rank(event) > rank(best[key])):
            best[key] = event
    return best
