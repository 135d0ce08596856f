"""Statements as sqlglot's trees, with Athena's words for what does not parse."""

import sqlglot
from sqlglot import exp
from sqlglot.errors import ParseError

from emulator.athena.errors import MalformedQueryError
from emulator.athena.text import Text


def parse_statement(text: Text, refusal: str) -> exp.Expr:
    """Parses one statement of either grammar.

    Raises MalformedQueryError: with the place where parsing stopped, or with `refusal` for a statement that
    sqlglot only takes as a command it knows nothing about.
    """
    try:
        tree = sqlglot.parse(text.sql, read="athena")[0]
    except ParseError as error:
        first = error.errors[0] if error.errors else {}
        found = str(first.get("highlight", ""))
        where = text.position(max(text.sql.find(found), 0))
        raise MalformedQueryError(f"{where}: mismatched input '{found}'") from error
    if tree is None or isinstance(tree, exp.Command):
        raise MalformedQueryError(f"line 1:1: {refusal}")
    return tree
