"""Which topic a table belongs to.

The table's name does not say it, because `a.b` and `a-b` have the same one. So it is looked up, and where two
answers are possible, none is guessed.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from lean_ops.bookkeeping.table_ownership import owners_of
from lean_ops.columns import names
from lean_ops.ports.interfaces import Item


@dataclass
class TableOwners:
    """The owners of tables.

    topics: table to topic.
    unclear: table to the reason why it has no owner, and what to do.
    rest: the tables that are not settled yet.
    """

    topics: dict[str, str] = field(default_factory=dict)
    unclear: dict[str, str] = field(default_factory=dict)
    rest: set[str] = field(default_factory=set)

    def settle_by_names(self, topics: Iterable[str]) -> None:
        """Settles the rest by topic names that the lake or the schema bucket has."""
        by_table = _by_table(topics)
        for table in sorted(self.rest):
            candidates = by_table.get(table, set())
            if candidates:
                self._settle(table, candidates)

    def give_up_on_rest(self) -> None:
        for table in sorted(self.rest):
            self.unclear[table] = (
                "no topic is known for it: if it is a topic's, "
                f"run again with --owners {table}=<topic name>; else move it out of this database"
            )
        self.rest.clear()

    def _settle(self, table: str, candidates: set[str]) -> None:
        if len(candidates) == 1:
            [self.topics[table]] = candidates
        else:
            listed = " and ".join(sorted(candidates))
            self.unclear[table] = (
                f"the topics {listed} would share it: say whose it is, --owners {table}=<topic name>, "
                "and rename the other"
            )
        self.rest.discard(table)


def settle_by_registry(
    tables: Iterable[str], registry: Iterable[Item], asserted: Mapping[str, str]
) -> TableOwners:
    """Settles the tables whose owner the registry has.

    asserted: table to topic, as people gave it by --owners. It counts where the registry does not contradict
    it.
    """
    items = list(registry)
    owners = owners_of(items)
    registered = _by_table(str(item["topic_name"]) for item in items)
    found = TableOwners(rest=set(tables))
    for table in sorted(found.rest):
        owner, given, candidates = owners.get(table), asserted.get(table), registered.get(table, set())
        if owner is None and given is not None and (not candidates or given in candidates):
            found.topics[table] = given
        elif owner is None and given is not None:
            found.unclear[table] = _contradiction(given, " and ".join(sorted(candidates)))
        elif owner is None and candidates:
            found._settle(table, candidates)
        elif owner is not None and (not names.is_topic(owner) or names.table_name(owner) != table):
            found.unclear[table] = (
                f"the registry gives it to {owner!r}, whose table has another name: "
                f"delete the item table#{table}"
            )
        elif owner is not None and given not in (None, owner):
            found.unclear[table] = _contradiction(given, owner)
        elif owner is not None:
            found.topics[table] = owner
    found.rest -= found.unclear.keys() | found.topics.keys()
    return found


def _contradiction(given: str | None, registered: str) -> str:
    return f"--owners gives it to {given}, and the registry to {registered}: one must yield"


def _by_table(topics: Iterable[str]) -> Mapping[str, set[str]]:
    by_table: defaultdict[str, set[str]] = defaultdict(set)
    for topic in topics:
        if names.is_topic(topic):
            by_table[names.table_name(topic)].add(topic)
    return by_table
