"""How Hypothesis draws examples, in all of the Python tests: the same ones in every run, and in a thorough
run by the seed that the runner gives to --hypothesis-seed."""

from budget import THOROUGH
from hypothesis import HealthCheck, settings


def load() -> None:
    # Timing on a shared machine says nothing about an example; the same examples every time do.
    settings.register_profile(
        "repeatable",
        deadline=None,
        derandomize=not THOROUGH,
        print_blob=THOROUGH,
        suppress_health_check=[HealthCheck.too_slow],
    )
    settings.load_profile("repeatable")
