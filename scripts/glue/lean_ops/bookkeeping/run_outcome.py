"""How a run of a layer's job went, topic by topic."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from lean_ops.bookkeeping import ledger

_NAMED_TOPICS = 3
_MAX_WHY = 300
"""A run's message goes through Glue and Step Functions to a terminal, and should fit there."""


@dataclass
class RunOutcome:
    """The outcome of a run. The mappings are from topic to reason.

    entries: what goes to the ledger.
    failed: the topics that stay where they are until the next cycle.
    fenced: the topics that an operation took over while the run was under way. They stay where they are, too,
    which is no failure.
    skipped: the topics that lack what the job needs, such as a schema.
    unbalanced: the topics whose rows are written but whose ledger does not add up, so that people have to
    look.
    stuck: those of the failed topics that stay where they are until somebody decides. No other topic waits
    for them.
    held: the topics whose tables are left alone, and the stuck ones, to the first cycle that they do not
    take. They are read again from that cycle on once they can go on.
    """

    entries: list[ledger.Entry] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    fenced: dict[str, str] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)
    unbalanced: dict[str, str] = field(default_factory=dict)
    stuck: set[str] = field(default_factory=set)
    held: dict[str, str] = field(default_factory=dict)

    @property
    def holds_up_others(self) -> bool:
        """Whether a topic was left behind for which all have to wait, as no note says what it lacks."""
        return not self.left.keys() <= self.stuck

    @property
    def complete(self) -> bool:
        """Whether nothing was left to the next cycle."""
        return not self.left

    @property
    def left(self) -> dict[str, str]:
        """The topics that have not taken the cycle, failed or fenced, each with the reason."""
        return self.failed | self.fenced

    def hold(self, topic: str, cycle_id: str) -> None:
        """Enters that a topic is not taken on from a cycle on. Of several calls the first counts."""
        self.held.setdefault(topic, cycle_id)

    def enter(self, entry: ledger.Entry) -> None:
        self.entries.append(entry)
        if entry.error is not None:
            (self.fenced if entry.fenced else self.failed)[entry.topic] = entry.error
        if entry.imbalance is not None:
            self.unbalanced[entry.topic] = entry.imbalance

    def trouble(self) -> str | None:
        """Returns the message with which the run has to fail, so that people hear of it, although all other
        topics are done. None when there is no topic in trouble."""
        groups = (("failed", self.failed), ("unbalanced", self.unbalanced))
        return "; ".join(list_topics(what, topics) for what, topics in groups if topics) or None


def list_topics(what: str, topics: Mapping[str, str]) -> str:
    """Returns topics with their reasons as one line that can be read at a glance: the first few, and how many
    more there are, which the log names. `topics` is from topic to reason."""
    named = list(topics.items())[:_NAMED_TOPICS]
    count = f"{len(topics)} topic{'' if len(topics) == 1 else 's'} {what}"
    more = len(topics) - len(named)
    rest = f"; and {more} more, which the log names" if more else ""
    return f"{count}: " + "; ".join(f"{topic}: {_shortened(why)}" for topic, why in named) + rest


def _shortened(why: str) -> str:
    return why if len(why) <= _MAX_WHY else why[: _MAX_WHY - 1] + "…"
