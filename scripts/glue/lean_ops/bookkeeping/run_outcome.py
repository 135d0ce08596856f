"""How a run of a layer's job went, topic by topic."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from lean_ops.bookkeeping import ledger


@dataclass
class RunOutcome:
    """The outcome of a run. The mappings are from topic to reason.

    entries: what goes to the ledger.
    failed: the topics that stay where they are until the next cycle.
    skipped: the topics that lack what the job needs, such as a schema.
    unbalanced: the topics whose rows are written but whose ledger does not add up, so that people have to
    look.
    """

    entries: list[ledger.Entry] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)
    unbalanced: dict[str, str] = field(default_factory=dict)

    @property
    def complete(self) -> bool:
        """Whether nothing was left to the next cycle."""
        return not self.failed

    def enter(self, entry: ledger.Entry) -> None:
        self.entries.append(entry)
        if entry.error is not None:
            self.failed[entry.topic] = entry.error
        if entry.imbalance is not None:
            self.unbalanced[entry.topic] = entry.imbalance

    def trouble(self) -> str | None:
        """Returns the message with which the run has to fail, so that people hear of it, although all other
        topics are done. None when there is no topic in trouble."""
        groups = (("failed", self.failed), ("unbalanced", self.unbalanced))
        return "; ".join(list_topics(what, topics) for what, topics in groups if topics) or None


def list_topics(what: str, topics: Mapping[str, str]) -> str:
    """Returns topics with their reasons as one line. `topics` is from topic to reason."""
    return f"{len(topics)} topic(s) {what}: " + "; ".join(f"{t}: {why}" for t, why in topics.items())
