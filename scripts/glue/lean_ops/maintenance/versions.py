"""Decides which versions of a table's entry in the catalog are deleted."""

from collections.abc import Iterable

KEPT_VERSIONS = 100
"""Of a table's entry the newest versions are kept, so that one can see what somebody has changed lately."""


def versions_to_delete(versions: Iterable[str], kept: int = KEPT_VERSIONS) -> list[str]:
    """versions: ids, which Glue counts up from 0. Returns those to delete, the oldest first.

    An id of another form is left alone, as nothing tells how old it is.
    """
    known = sorted({one for one in versions if one.isascii() and one.isdigit()}, key=int)
    return known[: max(0, len(known) - kept)]
