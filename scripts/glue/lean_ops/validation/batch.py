"""The texts of some versions, as a validator reads them: column by column."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from itertools import chain

import pyarrow as pa
import pyarrow.compute as pc

from lean_ops.validation.time_limit import Reading, no_limit
from lean_ops.validation.topic_schema import ROOT

Texts = Mapping[str, str | None]
"""A version's columns as Standardized stores them. An absent column means the same as null."""

_MEMBER = re.compile("(?=__)")
"""The places in a column's name where the name of an object's column may end and that of its member begin."""


@dataclass(frozen=True)
class Batch:
    """The texts of some versions, as a validator reads them.

    columns: column to an array with a text for each version; a column that no version has may be absent.
    members: column to the row indices of the versions that hold a member of it which is none of the schema's.
    undeclared: column of an object to how many members each version has in it that the schema does not
    declare; columns in which no version has one may be absent, and the whole is empty where nobody asks.
    reading: is called with the texts as they are read, see time_limit.
    """

    count: int
    columns: Mapping[str, pa.Array]
    members: Mapping[str, Set[int]]
    undeclared: Mapping[str, pa.Array] = field(default_factory=dict)
    reading: Reading = no_limit
    _lists: dict[str, list[str | None]] = field(default_factory=dict)

    def texts(self, *columns: str) -> pa.Array:
        """For each version the text of the first of the columns that has one."""
        found = [self.columns[column] for column in columns if column in self.columns]
        if not found:
            return pa.nulls(self.count, pa.string())
        return found[0] if len(found) == 1 else pc.coalesce(*found)

    def text(self, n: int, *columns: str) -> str | None:
        for column in columns:
            if column not in self.columns:
                continue
            if column not in self._lists:
                self._lists[column] = self.columns[column].to_pylist()
            if self._lists[column][n] is not None:
                return self._lists[column][n]
        return None

    def holds_members(self, n: int, column: str) -> bool:
        return n in self.members.get(column, ())


def batch_of_rows(
    rows: Sequence[Texts], known: Set[str], holders: Mapping[str, str], counted: Set[str]
) -> Batch:
    """Returns the batch of some versions, where `known` are the columns that the schema names, `holders` as
    holders_of takes them, and `counted` the objects whose undeclared members count."""
    columns = {name: pa.array([row.get(name) for row in rows], pa.string()) for name in known}
    present = set(chain.from_iterable(rows))
    rows_with: dict[str, list[int]] = defaultdict(list)
    for n, row in enumerate(rows):
        for name, text in row.items():
            if text is not None:
                rows_with[name].append(n)
    members: dict[str, set[int]] = defaultdict(set)
    for name, found in holders_of(present, known, holders).items():
        for holder in found:
            members[holder].update(rows_with[name])
    undeclared = count_undeclared(present, known, holders, counted, rows_with.__getitem__, len(rows))
    return Batch(len(rows), columns, members, undeclared)


def count_undeclared(
    columns: Set[str],
    known: Set[str],
    holders: Mapping[str, str],
    counted: Set[str],
    rows_with: Callable[[str], Iterable[int]],
    count: int,
) -> dict[str, pa.Array]:
    """Returns for each of the objects `counted` how many members each row has in it that the schema does not
    declare, where any has one.

    A column that the schema does not name is a member of the innermost object or field whose column its name
    begins with, or else of the root, and the member's name ends before the next two underscores.
    known, holders: as in holders_of. rows_with: the rows that have a text in a column.
    """
    if not counted:
        return {}
    members: dict[tuple[str, str], set[int]] = defaultdict(set)
    for name in columns - known:
        begin = max(
            (name[: cut.start()] for cut in _MEMBER.finditer(name) if name[: cut.start()] in holders),
            key=len,
            default=None,
        )
        holder = ROOT if begin is None else holders[begin]
        if holder in counted:
            member = (name if begin is None else name[len(begin) + 2 :]).partition("__")[0]
            members[holder, member].update(rows_with(name))
    counts: dict[str, list[int]] = defaultdict(lambda: [0] * count)
    for (holder, _), rows in members.items():
        for n in rows:
            counts[holder][n] += 1
    return {holder: pa.array(each, pa.int64()) for holder, each in counts.items()}


def holders_of(columns: Iterable[str], known: Set[str], holders: Mapping[str, str]) -> dict[str, list[str]]:
    """Maps each column that the schema does not name to the schema's columns of which it may be a member.

    `holders` maps the beginning of members' names, without the two underscores, to the column that they are
    members of. Columns that are a member of none are left out.
    """
    found = {
        name: [holders[begin] for cut in _MEMBER.finditer(name) if (begin := name[: cut.start()]) in holders]
        for name in columns
        if "__" in name and name not in known
    }
    return {name: holders for name, holders in found.items() if holders}
