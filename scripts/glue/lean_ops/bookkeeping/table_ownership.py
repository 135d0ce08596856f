"""Which topics have a Standardized table of their own. Two topics can share a table name: the first owns
it."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from lean_ops.columns import names
from lean_ops.ports.interfaces import Item, Provisioner

TOPIC_COLLISION = "TOPIC_COLLISION"
_OWNER_ITEM = "table#"


@dataclass(frozen=True)
class Ownership:
    """ready: may write their table. refused: topic to (code, message), for good. failed: topic to message,
    this time.

    created: the topics of `ready` whose table was not there before.
    """

    ready: frozenset[str] = frozenset()
    created: frozenset[str] = frozenset()
    refused: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    failed: Mapping[str, str] = field(default_factory=dict)


def owners_of(registry: Iterable[Item]) -> dict[str, str]:
    """Table name to topic, by the registry's ownership items."""
    return {
        str(item["topic_name"]).removeprefix(_OWNER_ITEM): str(item["owner"])
        for item in registry
        if str(item["topic_name"]).startswith(_OWNER_ITEM) and "owner" in item
    }


def ensure_tables(
    topics: Iterable[str], owners: Mapping[str, str], tables: Collection[str], provisioner: Provisioner
) -> Ownership:
    """Asks table-provisioner for those topics only that the registry and the catalog do not vouch for.

    topics: checked names. tables: those that exist in the Standardized database.
    """
    ready: set[str] = set()
    unknown: list[str] = []
    refused: dict[str, tuple[str, str]] = {}
    failed: dict[str, str] = {}
    for topic in sorted(set(topics)):
        table = names.table_name(topic)
        owner = owners.get(table)
        if owner is not None and owner != topic:
            refused[topic] = (
                TOPIC_COLLISION,
                f"the table {table} belongs to the topic {owner}: rename this one",
            )
        elif owner == topic and table in tables:
            ready.add(topic)
        else:
            unknown.append(topic)
    created: set[str] = set()
    for answer in provisioner.ensure(unknown) if unknown else ():
        if answer.error_code is None:
            ready.add(answer.topic)
            if names.table_name(answer.topic) not in tables:
                created.add(answer.topic)
        elif answer.error_code == TOPIC_COLLISION:
            refused[answer.topic] = (TOPIC_COLLISION, answer.error_message)
        else:
            failed[answer.topic] = f"{answer.error_code}: {answer.error_message}"
    return Ownership(frozenset(ready), frozenset(created), refused, failed)
