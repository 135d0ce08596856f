"""Which topics own a Standardized table. Two topics may have the same table name; the first one owns the
table."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from lean_ops.columns import names
from lean_ops.ports.interfaces import Item, Provisioner

TOPIC_COLLISION = "TOPIC_COLLISION"
TOPIC_HELD = "TOPIC_HELD"
_OWNER_ITEM = "table#"


@dataclass(frozen=True)
class TableOwnership:
    """Which topics may write a table, and why the others may not.

    ready: the topics that own their table and may write it.
    refused: topic to (code, message), for topics that never get a table under this name.
    failed: topic to message, for topics whose table could not be made this time.
    held: topics that were held after the run had read the registry, so table-provisioner left them alone.
    """

    ready: frozenset[str] = frozenset()
    refused: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    failed: Mapping[str, str] = field(default_factory=dict)
    held: frozenset[str] = frozenset()

    @property
    def topics(self) -> frozenset[str]:
        return frozenset((*self.ready, *self.refused, *self.failed, *self.held))

    @property
    def reasons(self) -> dict[str, str]:
        """Topic to the reason why it may not write a table."""
        refused = {topic: f"{code}: {message}" for topic, (code, message) in self.refused.items()}
        return {**refused, **self.failed}

    def with_more(self, other: "TableOwnership") -> "TableOwnership":
        return TableOwnership(
            self.ready | other.ready,
            {**self.refused, **other.refused},
            {**self.failed, **other.failed},
            self.held | other.held,
        )


def owners_of(registry: Iterable[Item]) -> dict[str, str]:
    """Returns table name to topic, from the registry's items about table names."""
    return {
        str(item["topic_name"]).removeprefix(_OWNER_ITEM): str(item["owner"])
        for item in registry
        if str(item["topic_name"]).startswith(_OWNER_ITEM) and "owner" in item
    }


def ensure_tables(
    topics: Iterable[str],
    owners: Mapping[str, str],
    tables: Collection[str],
    provisioner: Provisioner,
    held: Collection[str] = (),
) -> TableOwnership:
    """Makes the topics' tables. Only topics without an owned table that exists are sent to table-provisioner.

    topics: valid topic names. owners: see owners_of. tables: the tables of the Standardized database. held:
    topics of which the run knows that their tables are left alone. They are in the answer only where another
    topic owns their table.
    """
    ready: set[str] = set()
    unsettled: list[str] = []
    refused: dict[str, tuple[str, str]] = {}
    failed: dict[str, str] = {}
    held_since: set[str] = set()
    for topic in sorted(set(topics)):
        table = names.table_name(topic)
        owner = owners.get(table)
        if owner is not None and owner != topic:
            refused[topic] = (
                TOPIC_COLLISION,
                f"the table {table} belongs to the topic {owner}: rename this one",
            )
        elif topic in held:
            continue
        elif owner == topic and table in tables:
            ready.add(topic)
        else:
            unsettled.append(topic)
    for answer in provisioner.ensure(unsettled) if unsettled else ():
        if answer.error_code is None:
            ready.add(answer.topic)
        elif answer.error_code == TOPIC_COLLISION:
            refused[answer.topic] = (TOPIC_COLLISION, answer.error_message)
        elif answer.error_code == TOPIC_HELD:
            held_since.add(answer.topic)
        else:
            failed[answer.topic] = f"{answer.error_code}: {answer.error_message}"
    return TableOwnership(frozenset(ready), refused, failed, frozenset(held_since))
