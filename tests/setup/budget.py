"""How much a property test plays: a share in each run, everything with `pnpm test --thorough`.

The runner sets LEAN_THOROUGH and LEAN_SEED and prints the seed of a thorough run. A run without them is the
usual one, which plays the same examples every time.
"""

import os
import random
from typing import TypeVar

Amount = TypeVar("Amount")

THOROUGH = os.environ.get("LEAN_THOROUGH") == "1"
SEED = int(os.environ.get("LEAN_SEED") or "1")


def budget(*, each_run: Amount, thorough: Amount) -> Amount:
    """The amount for this run: of examples, histories, kills or whatever the test counts."""
    return thorough if THOROUGH else each_run


def chosen(items: range, *, each_run: int) -> list[int]:
    """All items in a thorough run; else so many of them, the first and the last among them, by the seed."""
    if THOROUGH or len(items) <= each_run:
        return list(items)
    between = random.Random(SEED).sample(items[1:-1], each_run - 2)
    return [items[0], *sorted(between), items[-1]]
