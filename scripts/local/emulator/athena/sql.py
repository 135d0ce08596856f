"""Translates Athena SQL into a statement for Spark, or into a call to the Glue catalog."""

from dataclasses import dataclass, field
from functools import reduce
from typing import Any

import sqlglot
from sqlglot import exp
from sqlglot.errors import ParseError, SqlglotError

from emulator.athena import ddl as athena_ddl
from emulator.athena.errors import MalformedQueryError, QueryFailedError
from emulator.athena.parse import parse_statement
from emulator.athena.spark_text import CATALOG
from emulator.athena.text import Text, read_text, spark_only_calls

_CATALOG_NAMES = {"awsdatacatalog", CATALOG}
_NAMED = (exp.Alias, exp.Aliases, exp.Column, exp.Dot)
_METADATA_TABLES = {
    "history",
    "snapshots",
    "files",
    "partitions",
    "manifests",
    "refs",
    "metadata_log_entries",
}


@dataclass(frozen=True)
class TableRef:
    """A table that the statement needs."""

    database: str
    table: str
    position: str
    """Where the statement names it, for messages: `line 1:15`."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The work that the engine does for one statement."""

    statement_type: str
    """DML, DDL or UTILITY, as GetQueryExecution has it."""
    verb: str
    """The kind of work, as `query`, `create_table` or `show_tables`."""
    sql: str = ""
    """The statement for Spark; empty for a call to the catalog."""
    tables: tuple[TableRef, ...] = ()
    """The tables that must exist."""
    details: dict[str, Any] = field(default_factory=dict)
    """Arguments of the verb."""


def plan(sql: str, database: str) -> Plan:
    """Translates one Athena statement; `database` is the query's default.

    Raises MalformedQueryError when StartQueryExecution would refuse it, and QueryFailedError when its
    execution would fail.
    """
    text = read_text(sql)
    try:
        return _plan(text, database)
    except (SqlglotError, RecursionError) as error:
        raise MalformedQueryError(f"line 1:1: {str(error).splitlines()[0]}") from error


def _plan(text: Text, database: str) -> Plan:
    if text.verb == "EXPLAIN":
        inner = plan(text.sql[text.tokens[0].end + 1 :], database)
        return Plan(statement_type="UTILITY", verb="explain", sql=f"EXPLAIN {inner.sql}", tables=inner.tables)
    if text.verb in ("OPTIMIZE", "VACUUM"):
        return _maintenance(text, database)
    if text.is_ddl:
        verb, spark_sql, table, details = athena_ddl.translate(text, database)
        tables = () if table is None else (TableRef(*table, text.position(text.tokens[0].start)),)
        return Plan(
            statement_type=text.statement_type, verb=verb, sql=spark_sql, tables=tables, details=details
        )
    return _trino(text, database)


def _trino(text: Text, database: str) -> Plan:
    for position, name in spark_only_calls(text):
        raise QueryFailedError(f"FUNCTION_NOT_FOUND: {position}: Function '{name}' not registered")
    tree = parse_statement(text, f"mismatched input '{text.verb}'")
    if isinstance(tree, exp.Create) and tree.args.get("kind") != "TABLE":
        raise QueryFailedError("NOT_SUPPORTED: views are not part of the local stack")
    tables = _qualify(tree, text, database)
    if isinstance(tree, exp.Create):
        target = tree.this.find(exp.Table) if not isinstance(tree.this, exp.Table) else tree.this
        made = (str(target.db), str(target.name))
        reads = tuple(ref for ref in tables if (ref.database, ref.table) != made)
        details = {"database": made[0], "table": made[1]}
        return Plan(
            statement_type="DDL", verb="ctas", sql=athena_ddl.create_as(tree), tables=reads, details=details
        )
    if isinstance(tree, exp.Insert):
        return Plan(
            statement_type="DML",
            verb="insert",
            sql=_to_spark(tree),
            tables=tables,
            details=_named_insert(tree),
        )
    if isinstance(tree, exp.Query):
        _name_columns(tree)
    verbs: dict[Any, str] = {exp.Merge: "merge", exp.Update: "update", exp.Delete: "delete"}
    verb = verbs.get(type(tree), "query")
    return Plan(statement_type="DML", verb=verb, sql=_to_spark(tree), tables=tables)


def _named_insert(tree: exp.Insert) -> dict[str, Any]:
    """The details of INSERT INTO t (a, b) …, or nothing for an INSERT that names no columns.

    Trino fills the other columns with NULL. Spark wants every column, so `spark_process` adds them once it
    knows the table.
    """
    if not isinstance(tree.this, exp.Schema):
        return {}
    columns = [column.name.lower() for column in tree.this.expressions]
    return {"target": tree.this.this.sql("spark"), "columns": columns, "source": _to_spark(tree.expression)}


def _name_columns(tree: exp.Query) -> None:
    """Gives the columns that have no name Trino's: `_col0`, `_col1` and so on."""
    first: Any = tree
    while isinstance(first, exp.SetOperation | exp.Subquery):
        first = first.this
    if isinstance(first, exp.Select):
        named = [
            item
            if isinstance(item, _NAMED) or item.is_star
            else exp.alias_(item, f"_col{index}", quoted=True)
            for index, item in enumerate(first.expressions)
        ]
        first.set("expressions", named)


def _qualify(tree: exp.Expr, text: Text, database: str) -> tuple[TableRef, ...]:
    """Gives every table its catalog and database, and turns "t$snapshots" into Iceberg's metadata table."""
    ctes = {cte.alias.lower() for cte in tree.find_all(exp.CTE)}
    refs: list[TableRef] = []
    for table in list(tree.find_all(exp.Table)):
        if not isinstance(table.this, exp.Identifier) or (not table.db and table.name.lower() in ctes):
            continue
        where = text.position(int(table.this.meta.get("start", 0)))
        if table.db:
            first = table.args["db"].meta.get("start")
            where = text.position(int(first)) if first is not None else where
        if table.catalog and table.catalog.lower() not in _CATALOG_NAMES:
            raise QueryFailedError(f"CATALOG_NOT_FOUND: {where}: Catalog '{table.catalog}' does not exist")
        if table.db.lower() == "information_schema":
            raise QueryFailedError(
                "NOT_SUPPORTED: information_schema is not part of the local stack; "
                "use SHOW TABLES or DESCRIBE"
            )
        name, _, metadata = table.name.lower().partition("$")
        owner = (table.db or database).lower()
        refs.append(TableRef(owner, name, where))
        _rename(table, owner, name, metadata, where)
    return tuple(dict.fromkeys(refs))


def _rename(table: exp.Table, owner: str, name: str, metadata: str, where: str) -> None:
    if metadata and metadata not in _METADATA_TABLES:
        raise QueryFailedError(
            f"TABLE_NOT_FOUND: {where}: Table 'awsdatacatalog.{owner}.{name}${metadata}' does not exist"
        )
    parts = [
        exp.to_identifier(part, quoted=True)
        for part in (CATALOG, owner, name, *([metadata] if metadata else []))
    ]
    alias = table.args.get("alias")
    if alias is None and isinstance(table.parent, exp.From | exp.Join):
        # Columns may be qualified by the name as it was written.
        table.set("alias", exp.TableAlias(this=exp.to_identifier(table.name.lower(), quoted=True)))
    if metadata:
        table.set("this", exp.Dot.build([parts[2], parts[3]]))
    else:
        table.set("this", parts[2])
    table.set("db", parts[1])
    table.set("catalog", parts[0])


def _to_spark(tree: exp.Expr) -> str:
    return tree.transform(_spark_function).sql(dialect="spark", identify=False)


def _spark_function(node: exp.Expression) -> exp.Expression:
    """Translates functions that sqlglot leaves as they are, or gives another meaning than Trino's."""
    if isinstance(node, exp.Cast) and node.to.this == exp.DataType.Type.DECIMAL and not node.to.expressions:
        return exp.Cast(this=node.this.copy(), to=exp.DataType.build(_decimal(node.this)))
    if (
        isinstance(node, exp.Try)
        and isinstance(node.this, exp.Cast)
        and isinstance(node.this.this, exp.ParseJSON)
    ):
        # This becomes Spark's from_json, which gives NULL for a text that is no JSON.
        return node.this
    # Spark's DATE_ADD makes a date of a timestamp, and its DATEDIFF counts borders instead of whole units.
    if isinstance(node, exp.DateAdd):
        unit = exp.var(node.text("unit") or "DAY")
        return exp.Anonymous(this="TIMESTAMPADD", expressions=[unit, node.expression, node.this])
    if isinstance(node, exp.DateDiff):
        unit = exp.var(node.text("unit") or "DAY")
        return exp.Anonymous(this="TIMESTAMPDIFF", expressions=[unit, node.expression, node.this])
    if isinstance(node, exp.ArgMax | exp.ArgMin) and node.args.get("count") is not None:
        return _several_by(node)
    if isinstance(node, exp.SHA2Digest):
        # Trino's hash is bytes, and Spark's is their hexadecimal digits.
        digits = exp.SHA2(this=node.this.transform(_spark_function), length=node.args.get("length"))
        return exp.Unhex(this=digits)
    if isinstance(node, exp.Anonymous):
        name = node.name.lower()
        if name == "map_concat":
            merged: exp.Expression = reduce(_later_wins, node.expressions)
            return merged
        if name == "to_iso8601":
            pattern = exp.Literal.string("yyyy-MM-dd'T'HH:mm:ss.SSSXXX")
            return exp.Anonymous(this="DATE_FORMAT", expressions=[*node.expressions, pattern])
        if name == "from_iso8601_timestamp":
            return exp.Cast(this=node.expressions[0], to=exp.DataType.build("timestamptz"))
    return node


def _later_wins(first: exp.Expression, second: exp.Expression) -> exp.Expression:
    """map_concat(first, second): of a key that both maps have, the second's value stays. Spark refuses such
    maps."""
    entry = [exp.to_identifier("map_key"), exp.to_identifier("map_value")]
    is_in_second = exp.Anonymous(this="MAP_CONTAINS_KEY", expressions=[second.copy(), exp.column("map_key")])
    others = exp.Anonymous(
        this="MAP_FILTER", expressions=[first, exp.Lambda(this=exp.Not(this=is_in_second), expressions=entry)]
    )
    return exp.Anonymous(this="MAP_CONCAT", expressions=[others, second])


def _several_by(node: exp.ArgMax | exp.ArgMin) -> exp.Expression:
    """max_by(x, y, n): the x with the n greatest y as an array, or NULL where no row has a y.

    Spark's own max_by returns one x only.
    """
    value, key = node.this, node.expression
    pair = exp.Anonymous(
        this="NAMED_STRUCT",
        expressions=[exp.Literal.string("k"), key, exp.Literal.string("v"), value],
    )
    there = exp.Not(this=exp.Is(this=key.copy(), expression=exp.Null()))
    pairs = exp.Anonymous(this="COLLECT_LIST", expressions=[exp.Case().when(there, pair)])
    upwards = exp.Boolean(this=isinstance(node, exp.ArgMin))
    ordered = exp.Anonymous(this="SORT_ARRAY", expressions=[pairs, upwards])
    first = exp.Anonymous(
        this="SLICE", expressions=[ordered, exp.Literal.number(1), node.args["count"].copy()]
    )
    values = exp.Anonymous(
        this="TRANSFORM",
        expressions=[
            first,
            exp.Lambda(this=exp.column("v", table="pair"), expressions=[exp.to_identifier("pair")]),
        ],
    )
    some = exp.GT(this=exp.Count(this=key.copy()), expression=exp.Literal.number(0))
    return exp.Case().when(some, values)


def _decimal(value: exp.Expression) -> str:
    """The type of a decimal without digits: decimal(3,2) for DECIMAL '1.10', else Trino's decimal(38,0)."""
    whole, _, fraction = value.name.strip("+-").partition(".")
    if (
        isinstance(value, exp.Literal)
        and value.is_string
        and whole.isdigit()
        and (fraction.isdigit() or not fraction)
    ):
        return f"decimal({max(len(whole) + len(fraction), 1)}, {len(fraction)})"
    return "decimal(38, 0)"


def _maintenance(text: Text, database: str) -> Plan:
    """Plans OPTIMIZE t REWRITE DATA USING BIN_PACK [WHERE …] and VACUUM t."""
    tree_text = text.sql[text.tokens[0].end + 1 :].strip()
    body, where = tree_text, ""
    if text.verb == "OPTIMIZE":
        upper = [token.text.upper() for token in text.tokens]
        fixed = ["REWRITE", "DATA", "USING", "BIN_PACK"]
        start = next((i for i in range(len(upper)) if upper[i : i + 4] == fixed), None)
        if start is None:
            raise MalformedQueryError(
                "line 1:1: mismatched input. Expecting: OPTIMIZE table REWRITE DATA USING BIN_PACK"
            )
        body = text.sql[text.tokens[0].end + 1 : text.tokens[start].start].strip()
        rest = text.tokens[start + 4 :]
        if rest and rest[0].text.upper() != "WHERE":
            where_at = text.position(rest[0].start)
            raise MalformedQueryError(
                f"{where_at}: mismatched input '{rest[0].text}'. Expecting: 'WHERE', <EOF>"
            )
        if rest:
            condition = sqlglot.parse_one(text.sql[rest[0].end + 1 :], read="trino")
            where = _to_spark(condition)
    try:
        table = sqlglot.parse_one(body, read="trino", into=exp.Table)
    except ParseError as error:
        raise MalformedQueryError(f"line 1:1: mismatched input '{body}'") from error
    owner, name = (table.db or database).lower(), table.name.lower()
    ref = TableRef(owner, name, text.position(text.tokens[1].start))
    details = {"database": owner, "table": name, "where": where}
    return Plan(statement_type="UTILITY", verb=text.verb.lower(), tables=(ref,), details=details)
