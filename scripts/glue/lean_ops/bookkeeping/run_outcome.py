"""How a run of one of the jobs went, topic by topic."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from lean_ops.bookkeeping import ledger


@dataclass
class Outcome:
    """Each maps topic to reason.

    failed: they stay where they are until the next cycle. skipped: there was nothing to do it with.
    unbalanced: rows are written and the ledger does not add up, so people have to look.
    """

    entries: list[ledger.Entry] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)
    unbalanced: dict[str, str] = field(default_factory=dict)

    @property
    def complete(self) -> bool:
        """Nothing was left to the next cycle."""
        return not self.failed

    def enter(self, entry: ledger.Entry) -> None:
        self.entries.append(entry)
        if entry.error is not None:
            self.failed[entry.topic] = entry.error
        if entry.imbalance is not None:
            self.unbalanced[entry.topic] = entry.imbalance

    def trouble(self) -> str | None:
        """What the run must fail with, though all other topics are done: someone has to hear of it."""
        groups = (("failed", self.failed), ("unbalanced", self.unbalanced))
        return "; ".join(told(what, topics) for what, topics in groups if topics) or None


def told(what: str, topics: Mapping[str, str]) -> str:
    """topics: name to reason."""
    return f"{len(topics)} topic(s) {what}: " + "; ".join(f"{t}: {why}" for t, why in topics.items())
