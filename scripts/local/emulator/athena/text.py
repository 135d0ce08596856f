"""Athena statements as text: their kind, and what Athena's parsers refuse before anything runs.

Athena has two grammars. Queries and DML are Trino's, with double quotes round names; DDL is Hive's, with
back-ticks.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from emulator.athena.errors import MalformedQueryError

_UTILITY = {"SHOW", "DESCRIBE", "DESC", "EXPLAIN", "MSCK", "OPTIMIZE", "VACUUM"}
_DML = {
    "SELECT",
    "WITH",
    "VALUES",
    "INSERT",
    "UPDATE",
    "DELETE",
    "MERGE",
    "EXPLAIN",
    "OPTIMIZE",
    "VACUUM",
    "(",
}
_KNOWN = _DML | _UTILITY | {"CREATE", "ALTER", "DROP"}

# Functions that Spark has and Trino has not: a query that uses one would work here and fail on AWS.
# fmt: off
_SPARK_ONLY = frozenset({
    "array_contains", "array_size", "array_insert", "assert_true", "collect_list", "collect_set",
    "current_database", "date_sub", "datediff", "dayname", "explode", "explode_outer", "from_json",
    "get_json_object", "ifnull", "inline", "inline_outer", "input_file_name", "instr", "isnotnull",
    "isnull", "json_tuple", "locate", "map_contains_key", "monotonically_increasing_id", "named_struct",
    "nvl", "nvl2", "percentile", "percentile_approx", "posexplode", "rlike", "sentences", "size",
    "sort_array", "spark_partition_id", "stack", "struct", "str_to_map", "substring_index", "to_date",
    "to_json", "to_timestamp", "try_add", "try_divide", "try_element_at", "try_to_number",
    "try_to_timestamp", "unix_timestamp", "xpath"
})
# fmt: on


_STRINGS = {"trino": r"'(?:[^']|'')*'", "hive": r"'(?:[^'\\]|\\.)*'"}
_LEXERS = {
    grammar: re.compile(
        rf"""(?P<space>\s+|--[^\n]*|/\*.*?\*/)|(?P<string>{string})|(?P<double>"(?:[^"]|"")*")|(?P<tick>`(?:[^`]|``)*`)
        |(?P<name>[A-Za-z_][A-Za-z0-9_$]*)|(?P<number>[0-9][0-9A-Za-z_.]*)|(?P<mark>.)""",
        re.VERBOSE | re.DOTALL,
    )
    for grammar, string in _STRINGS.items()
}


@dataclass(frozen=True)
class Token:
    """A word, a literal or a mark of a statement."""

    kind: str
    """string, double, tick, name, number or mark."""
    text: str
    """The token without its quotes."""
    start: int
    end: int
    """The offset of the token's last character."""


@dataclass(frozen=True)
class Text:
    """A statement without its semicolon."""

    sql: str
    tokens: tuple[Token, ...]

    @property
    def words(self) -> tuple[str, ...]:
        """The statement's leading keywords, in upper case."""
        return tuple(token.text.upper() for token in self.tokens[:6])

    @property
    def verb(self) -> str:
        return self.words[0]

    @property
    def is_ddl(self) -> bool:
        """Whether Hive's grammar parses the statement. CREATE TABLE … AS SELECT and views are Trino's."""
        if self.verb in ("CREATE", "DROP"):
            return "VIEW" not in self.words and not self.is_ctas
        return self.verb in ("ALTER", "SHOW", "DESCRIBE", "DESC", "MSCK")

    @property
    def is_ctas(self) -> bool:
        words = [token.text.upper() for token in self.tokens]
        return self.verb == "CREATE" and any(
            first == "AS" and second in ("SELECT", "WITH", "(", "VALUES") for first, second in pairwise(words)
        )

    @property
    def statement_type(self) -> str:
        """GetQueryExecution's StatementType."""
        if self.verb in _UTILITY:
            return "UTILITY"
        return "DDL" if self.verb in ("CREATE", "ALTER", "DROP") else "DML"

    def position(self, offset: int) -> str:
        return position(self.sql, offset)


def position(sql: str, offset: int) -> str:
    """An offset as Athena's messages name it: `line 1:15`."""
    before = sql[:offset]
    return f"line {before.count(chr(10)) + 1}:{offset - (before.rfind(chr(10)) + 1) + 1}"


def _tokens(sql: str, grammar: str) -> list[Token]:
    found = []
    for match in _LEXERS[grammar].finditer(sql):
        kind, written = str(match.lastgroup), match.group()
        if kind == "space":
            continue
        if kind == "mark" and written in "'\"`":
            raise MalformedQueryError(f"line 1:1: mismatched input '{written}': a quote is not closed")
        quoted = kind in ("string", "double", "tick")
        text = written[1:-1].replace(written[0] * 2, written[0]) if quoted else written
        if kind == "string" and grammar == "hive":
            text = re.sub(r"\\(.)", r"\1", written[1:-1])
        found.append(Token(kind, text, match.start(), match.end() - 1))
    return found


def read_text(sql: str) -> Text:
    """Reads one statement. Raises MalformedQueryError for a statement that neither grammar lets through."""
    # The first word decides on the grammar. Both lexers read it alike: they differ only in strings.
    matches = _LEXERS["trino"].finditer(sql)
    first = next((match.group().upper() for match in matches if match.lastgroup != "space"), "")
    grammar = "hive" if first in ("ALTER", "CREATE", "DROP", "DESCRIBE", "DESC", "MSCK", "SHOW") else "trino"
    text = _read(sql, grammar)
    if grammar == "hive" and not text.is_ddl:
        text = _read(sql, "trino")
    for token in text.tokens:
        _check_quotes(text, token)
    return text


def _read(sql: str, grammar: str) -> Text:
    found = _tokens(sql, grammar)
    while found and (found[-1].kind, found[-1].text) == ("mark", ";"):
        found.pop()
    if not found:
        raise MalformedQueryError("line 1:1: mismatched input '<EOF>'. Expecting: <query>")
    text = Text(sql[: found[-1].end + 1], tuple(found))
    if any((token.kind, token.text) == ("mark", ";") for token in found):
        raise MalformedQueryError(f"Only one sql statement is allowed. Got: {sql.strip()}")
    if text.verb not in _KNOWN:
        expected = (
            "'ALTER', 'CREATE', 'DELETE', 'DESCRIBE', 'DROP', 'INSERT', 'MERGE', 'SHOW', 'UPDATE', <query>"
        )
        raise MalformedQueryError(
            f"{text.position(found[0].start)}: mismatched input '{found[0].text}'. Expecting: {expected}"
        )
    return text


def _check_quotes(text: Text, token: Token) -> None:
    where = text.position(token.start)
    if text.is_ddl and token.kind == "double":
        raise MalformedQueryError(
            f"{where}: mismatched input '\"{token.text}\"'. In DDL, names are quoted with back-ticks"
        )
    if not text.is_ddl and token.kind == "tick":
        raise MalformedQueryError(
            f"{where}: backquoted identifiers are not supported; use double quotes to quote identifiers"
        )


def spark_only_calls(text: Text) -> Iterator[tuple[str, str]]:
    """Yields the position and the name of each call of a function that Athena does not have."""
    for token, following in pairwise(text.tokens):
        if token.kind == "name" and following.text == "(" and token.text.lower() in _SPARK_ONLY:
            yield text.position(token.start), token.text.lower()
