"""Translates Athena's Hive-like DDL for Iceberg tables into Spark's, or into a call to the Glue catalog."""

from typing import Any

import sqlglot
from sqlglot import exp

from emulator.athena.errors import MalformedQueryError, QueryFailedError
from emulator.athena.parse import parse_statement
from emulator.athena.partitions import created_partitions, selected_partitions
from emulator.athena.properties import (
    DATA_PATH_ENABLED,
    altered_properties,
    table_properties,
)
from emulator.athena.spark_text import SEPARATOR, escape, quoted
from emulator.athena.text import Text

Translation = tuple[str, str, tuple[str, str] | None, dict[str, Any]]
"""The verb, the SQL for Spark or "", the database and table that must exist, and the verb's arguments."""

_TYPES = {
    "BOOLEAN",
    "INT",
    "BIGINT",
    "DOUBLE",
    "FLOAT",
    "DECIMAL",
    "DATE",
    "TIMESTAMP",
    "TEXT",
    "BINARY",
    "STRUCT",
    "MAP",
    "ARRAY",
    "LIST",
    "VARBINARY",
    "UUID",
}


def translate(text: Text, database: str) -> Translation:
    """Translates a statement of Hive's grammar. Raises MalformedQueryError or QueryFailedError."""
    words = text.words
    if text.verb == "SHOW":
        return _show(text, database)
    if text.verb in ("DESCRIBE", "DESC"):
        names = [t for t in _names(text, 1) if t.upper() not in ("FORMATTED", "EXTENDED")]
        return "describe", "", _pair(names, database), {}
    if words[:2] == ("ALTER", "TABLE") and "CHANGE" in [t.text.upper() for t in text.tokens]:
        return _change_column(text, database)
    tree = parse_statement(text, f"no viable alternative at input '{text.sql[:60]}'")
    if isinstance(tree, exp.Create) and tree.kind in ("DATABASE", "SCHEMA"):
        name = tree.this.find(exp.Identifier)
        details = {"name": name.name.lower(), "if_not_exists": bool(tree.args.get("exists"))}
        return "create_database", "", None, details
    if isinstance(tree, exp.Drop):
        return _drop(tree, database)
    if isinstance(tree, exp.Create) and tree.kind == "TABLE":
        return _create_table(tree, database)
    if isinstance(tree, exp.Alter):
        return _alter(tree, database)
    raise QueryFailedError(f"NOT_SUPPORTED: {' '.join(words[:3])} is not part of the local stack")


def create_as(tree: exp.Create) -> str:
    """Spark's statement for CREATE TABLE … WITH (table_type='ICEBERG', …) AS SELECT.

    The tree's tables have their catalog and database already. Raises QueryFailedError.
    """
    given = _given_properties(tree)
    location = tree.find(exp.LocationProperty)
    if _string(given.pop("table_type", None)).upper() != "ICEBERG":
        raise QueryFailedError(
            "NOT_SUPPORTED: CREATE TABLE AS needs table_type = 'ICEBERG' in the local stack"
        )
    external = given.pop("is_external", None)
    if external is None or external.sql().upper() != "FALSE":
        raise QueryFailedError("INVALID_TABLE_PROPERTY: An Iceberg table needs is_external = false")
    if location is None:
        raise QueryFailedError("INVALID_TABLE_PROPERTY: Table location can not be null for Iceberg tables")
    partitioning = given.pop("partitioning", None)
    file_format = tree.find(exp.FileFormatProperty)
    if file_format is not None:
        given["format"] = exp.Literal.string(file_format.this.name)
    # The statement writes at once, and this Iceberg, unlike Athena's, does not write to the deprecated path.
    properties = {DATA_PATH_ENABLED: "true", **{k: _string(v) for k, v in given.items()}}
    specs = [item.name for item in partitioning.expressions] if partitioning is not None else []
    fields = selected_partitions(specs)
    target = tree.this if isinstance(tree.this, exp.Table) else tree.this.this
    clauses = [
        f"CREATE TABLE {quoted(target.db, target.name)} USING iceberg",
        *_partitioned_by(fields),
        f"LOCATION {location.this.sql('spark')}",
        f"TBLPROPERTIES ({table_properties(properties, location.this.name)})",
        f"AS {tree.expression.sql('spark')}",
    ]
    return " ".join(clauses)


def _create_table(tree: exp.Create, database: str) -> Translation:
    schema = tree.this
    if not isinstance(schema, exp.Schema):
        raise MalformedQueryError("line 1:1: mismatched input. Expecting: a list of columns")
    given = {name: _string(value) for name, value in _given_properties(tree).items()}
    if tree.find(exp.ExternalProperty):
        raise QueryFailedError(
            "NOT_SUPPORTED: CREATE EXTERNAL TABLE is not part of the local stack; "
            "Iceberg tables are not external"
        )
    if given.pop("table_type", "").upper() != "ICEBERG":
        raise MalformedQueryError("External keyword required for table type HIVE")
    location = tree.find(exp.LocationProperty)
    if location is None:
        raise QueryFailedError("Table location can not be null for Iceberg tables")
    name = _table_name(schema.this, database)
    partitioned = tree.find(exp.PartitionedByProperty)
    types = {column.name.lower(): column.kind for column in schema.expressions}
    fields = created_partitions(partitioned.this.expressions, types) if partitioned is not None else []
    exists = "IF NOT EXISTS " if tree.args.get("exists") else ""
    comment = tree.find(exp.SchemaCommentProperty)
    clauses = [
        f"CREATE TABLE {exists}{quoted(*name)} ({_columns(schema.expressions)}) USING iceberg",
        *_partitioned_by(fields),
        *([f"COMMENT {comment.this.sql('spark')}"] if comment is not None else []),
        f"LOCATION {location.this.sql('spark')}",
        f"TBLPROPERTIES ({table_properties(given, location.this.name)})",
    ]
    details = {"database": name[0], "table": name[1], "if_not_exists": bool(exists)}
    return "create_table", " ".join(clauses), None, details


def _given_properties(tree: exp.Create) -> dict[str, Any]:
    """The expressions of the properties that the statement itself names, by lower-cased name."""
    found = tree.find_all(exp.Property)
    # LOCATION and others are subclasses of Property, and are clauses of their own.
    return {item.name.lower(): item.args.get("value") for item in found if type(item) is exp.Property}


def _partitioned_by(fields: list[str]) -> list[str]:
    return [f"PARTITIONED BY ({', '.join(fields)})"] if fields else []


def _columns(columns: list[exp.Expression]) -> str:
    return ", ".join(_column(column) for column in columns)


def _column(column: exp.Expression) -> str:
    if not isinstance(column, exp.ColumnDef) or column.kind is None:
        raise MalformedQueryError(f"line 1:1: mismatched input '{column.sql('hive')}' in the list of columns")
    comment = column.find(exp.CommentColumnConstraint)
    suffix = f" COMMENT {comment.this.sql('spark')}" if comment is not None else ""
    return f"`{column.name.lower()}` {_type(column.kind)}{suffix}"


def _type(kind: exp.DataType) -> str:
    """A column's type as Spark writes it. Athena's `timestamp` is Iceberg's timestamp without zone."""
    for found in kind.find_all(exp.DataType):
        if found.this.name not in _TYPES:
            raise QueryFailedError(f"Unsupported Hive type for an Iceberg table: {found.sql('hive').lower()}")
    return str(kind.transform(_without_zone).sql("spark"))


def _without_zone(node: exp.Expression) -> exp.Expression:
    is_timestamp = isinstance(node, exp.DataType) and node.this == exp.DataType.Type.TIMESTAMP
    return exp.DataType.build("timestampntz", dialect="spark") if is_timestamp else node


def _alter(tree: exp.Alter, database: str) -> Translation:
    name = _table_name(tree.this, database)
    actions = tree.args.get("actions") or []
    prefix = f"ALTER TABLE {quoted(*name)}"
    if actions and all(isinstance(action, exp.ColumnDef) for action in actions):
        return "alter", f"{prefix} ADD COLUMNS ({_columns(actions)})", name, {}
    if len(actions) == 1 and isinstance(actions[0], exp.Schema):
        return "alter", f"{prefix} ADD COLUMNS ({_columns(actions[0].expressions)})", name, {}
    if len(actions) == 1 and isinstance(actions[0], exp.AlterSet):
        found = {p.name.lower(): _string(p.args.get("value")) for p in actions[0].find_all(exp.Property)}
        pairs = ", ".join(f"'{k}'='{escape(v)}'" for k, v in altered_properties(found).items())
        return "alter", f"{prefix} SET TBLPROPERTIES ({pairs})", name, {}
    if len(actions) == 1 and isinstance(actions[0], exp.Drop):
        column = actions[0].find(exp.Identifier)
        assert column is not None
        return "alter", f"{prefix} DROP COLUMN `{column.name.lower()}`", name, {}
    raise QueryFailedError("NOT_SUPPORTED: this form of ALTER TABLE is not part of Athena for Iceberg tables")


def _change_column(text: Text, database: str) -> Translation:
    """Translates ALTER TABLE t CHANGE [COLUMN] old new type [COMMENT 'text'] [FIRST | AFTER column]."""
    upper = [token.text.upper() for token in text.tokens]
    change = upper.index("CHANGE")
    name = _pair(_names(text, 2, change), database)
    start = change + (2 if upper[change + 1 : change + 2] == ["COLUMN"] else 1)
    if len(text.tokens) < start + 3:
        raise MalformedQueryError(
            "line 1:1: mismatched input '<EOF>'. Expecting: CHANGE [COLUMN] old new type"
        )
    old, new = text.tokens[start].text.lower(), text.tokens[start + 1].text.lower()
    ends = [i for i in range(start + 2, len(upper)) if upper[i] in ("COMMENT", "FIRST", "AFTER")]
    written = text.sql[text.tokens[start + 2].start : text.tokens[ends[0] - 1 if ends else -1].end + 1]
    kind = sqlglot.parse_one(written, read="hive", into=exp.DataType)
    changes = [f"ALTER COLUMN `{old}` TYPE {_type(kind)}"]
    for at in ends:
        argument = text.tokens[at + 1] if at + 1 < len(upper) else None
        if upper[at] == "COMMENT" and argument is not None:
            changes.append(f"ALTER COLUMN `{old}` COMMENT '{escape(argument.text)}'")
        elif upper[at] == "AFTER" and argument is not None:
            changes.append(f"ALTER COLUMN `{old}` AFTER `{argument.text.lower()}`")
        elif upper[at] == "FIRST":
            changes.append(f"ALTER COLUMN `{old}` FIRST")
    if new != old:
        changes.append(f"RENAME COLUMN `{old}` TO `{new}`")
    return "alter", SEPARATOR.join(f"ALTER TABLE {quoted(*name)} {change}" for change in changes), name, {}


def _drop(tree: exp.Drop, database: str) -> Translation:
    exists = bool(tree.args.get("exists"))
    table = tree.find(exp.Table)
    if tree.args.get("kind") in ("DATABASE", "SCHEMA"):
        found = tree.find(exp.Identifier)
        assert found is not None
        details = {"name": found.name.lower(), "if_exists": exists, "cascade": bool(tree.args.get("cascade"))}
        return "drop_database", "", None, details
    if tree.args.get("kind") != "TABLE" or table is None:
        raise QueryFailedError(f"NOT_SUPPORTED: DROP {tree.args.get('kind')} is not part of the local stack")
    name = _table_name(table, database)
    # Athena deletes the data of an Iceberg table that it drops.
    details = {"database": name[0], "table": name[1], "if_exists": exists}
    return "drop_table", f"DROP TABLE {quoted(*name)} PURGE", None, details


def _show(text: Text, database: str) -> Translation:
    words = [token.text.upper() for token in text.tokens]
    kind = words[1] if len(words) > 1 else ""
    pattern = text.tokens[-1].text if len(words) > 2 and text.sql.rstrip().endswith("'") else ""
    if kind in ("DATABASES", "SCHEMAS"):
        return "show_databases", "", None, {"pattern": pattern}
    if kind == "TABLES":
        owner = text.tokens[3].text.lower() if len(words) > 3 and words[2] in ("IN", "FROM") else database
        return "show_tables", "", None, {"database": owner, "pattern": pattern}
    if kind == "COLUMNS" and len(words) > 3 and words[2] in ("IN", "FROM"):
        names = _names(text, 3)
        if "IN" in words[4:] or "FROM" in words[4:]:
            names = [text.tokens[-1].text, names[0]]
        return "show_columns", "", _pair(names, database), {}
    if kind == "TBLPROPERTIES":
        return "show_properties", "", _pair(_names(text, 2), database), {}
    if words[1:3] == ["CREATE", "TABLE"]:
        return "show_create", "", _pair(_names(text, 3), database), {}
    raise QueryFailedError(f"NOT_SUPPORTED: SHOW {kind} is not part of the local stack")


def _names(text: Text, start: int, end: int | None = None) -> list[str]:
    """The parts of a dotted name that begins at token `start`."""
    names: list[str] = []
    for token in text.tokens[start:end]:
        if token.text == ".":
            continue
        if names and text.sql[token.start - 1] != ".":
            break
        names += token.text.split(".")
    return names


def _table_name(table: exp.Table, database: str) -> tuple[str, str]:
    return _pair([part for part in (table.catalog, table.db, table.name) if part], database)


def _pair(names: list[str], database: str) -> tuple[str, str]:
    """The database and the table of a name with one to three parts, in lower case."""
    if not names or len(names) > 3:
        raise MalformedQueryError("line 1:1: mismatched input. Expecting: a table name")
    lower = [name.lower() for name in names]
    return (lower[-2] if len(lower) > 1 else database.lower(), lower[-1])


def _string(value: Any) -> str:
    return "" if value is None else str(value.name)
