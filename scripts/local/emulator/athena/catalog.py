"""Athena statements that are calls to the Glue catalog, made with the caller's rights."""

import fnmatch
from typing import Any
from urllib.parse import urlparse

from botocore.exceptions import ClientError

from emulator.athena.errors import QueryFailedError
from emulator.athena.sql import Plan, TableRef
from emulator.iam.credentials import Credentials, client

VERBS = frozenset(
    {
        "create_database",
        "drop_database",
        "describe",
        "show_columns",
        "show_create",
        "show_databases",
        "show_properties",
        "show_tables",
    }
)
Result = dict[str, Any]
"""A query's result: {"columns": [{name, type}], "rows": [[text or None]]}."""


def check_table(session: Credentials, ref: TableRef) -> None:
    """Raises QueryFailedError, in Athena's words, when the table is missing or is not an Iceberg table."""
    try:
        table = _get(session, ref.database, ref.table)
    except ClientError as error:
        if not _is_missing(error):
            raise
        if not _database_exists(session, ref.database):
            raise QueryFailedError(
                f"SCHEMA_NOT_FOUND: {ref.position}: Schema '{ref.database}' does not exist"
            ) from error
        name = f"awsdatacatalog.{ref.database}.{ref.table}"
        raise QueryFailedError(f"TABLE_NOT_FOUND: {ref.position}: Table '{name}' does not exist") from error
    parameters = table.get("Parameters") or {}
    if parameters.get("table_type", "").upper() != "ICEBERG":
        raise QueryFailedError(
            f"NOT_SUPPORTED: {ref.database}.{ref.table} is not an Iceberg table; the local stack has no other"
        )
    # Athena says at once that it may not read. Iceberg's own reader would try for a minute and a half.
    metadata = urlparse(parameters["metadata_location"])
    client("s3", session).get_object(Bucket=metadata.netloc, Key=metadata.path.lstrip("/"), Range="bytes=0-0")


def is_settled(session: Credentials, planned: Plan) -> bool:
    """Whether CREATE or DROP TABLE has nothing left to do. Raises QueryFailedError when it cannot be done."""
    database, table = planned.details["database"], planned.details["table"]
    try:
        _get(session, database, table)
        exists = True
    except ClientError as error:
        if not _is_missing(error):
            raise
        exists = False
    if planned.verb == "drop_table":
        if not exists and not planned.details["if_exists"]:
            raise QueryFailedError(
                f"FAILED: SemanticException [Error 10001]: Table not found {database}.{table}"
            )
        return not exists
    if exists and not planned.details.get("if_not_exists"):
        raise QueryFailedError(f"TABLE_ALREADY_EXISTS: Table '{database}.{table}' already exists")
    if not exists and not _database_exists(session, database):
        raise _no_database(database)
    return exists


def run(session: Credentials, planned: Plan) -> Result:
    """Runs a statement whose verb is one of VERBS. Raises QueryFailedError, or botocore's ClientError."""
    if planned.tables:
        ref = planned.tables[0]
        return _describe_table(planned.verb, _get(session, ref.database, ref.table))
    glue, details = client("glue", session), planned.details
    if planned.verb == "create_database":
        try:
            glue.create_database(DatabaseInput={"Name": details["name"]})
        except ClientError as error:
            if not (details["if_not_exists"] and error.response["Error"]["Code"] == "AlreadyExistsException"):
                raise
        return _rows([], [])
    if planned.verb == "drop_database":
        return _drop_database(glue, details)
    if planned.verb == "show_databases":
        names = [item["Name"] for item in _all(glue, "get_databases", "DatabaseList")]
        return _rows(["database_name"], [[name] for name in _matching(names, details["pattern"])])
    try:
        names = [
            item["Name"] for item in _all(glue, "get_tables", "TableList", DatabaseName=details["database"])
        ]
    except ClientError as error:
        if not _is_missing(error):
            raise
        raise _no_database(details["database"]) from error
    if not names and not _database_exists(session, details["database"]):
        raise _no_database(details["database"])
    return _rows(["tab_name"], [[name] for name in _matching(names, details["pattern"])])


def client_error(error: ClientError) -> str:
    """The reason that Athena gives for a query whose AWS call was refused or failed."""
    found = error.response.get("Error", {})
    code, message = found.get("Code", "Unknown"), found.get("Message", str(error))
    if "AccessDenied" in code or "not authorized" in message:
        return f"PERMISSION_DENIED: Insufficient permissions to execute the query. {message}"
    return f"{code}: {message}"


def _no_database(name: str) -> QueryFailedError:
    return QueryFailedError(f"FAILED: SemanticException [Error 10072]: Database does not exist: {name}")


def _describe_table(verb: str, table: dict[str, Any]) -> Result:
    columns = table.get("StorageDescriptor", {}).get("Columns", [])
    if verb == "describe":
        rows = [[column["Name"], column["Type"], column.get("Comment", "")] for column in columns]
        return _rows(["col_name", "data_type", "comment"], rows)
    if verb == "show_columns":
        return _rows(["field"], [[column["Name"]] for column in columns])
    parameters = table.get("Parameters", {})
    if verb == "show_properties":
        return _rows(["prpt_name"], [[f"{name}\t{value}"] for name, value in sorted(parameters.items())])
    body = ",\n".join(f"  `{column['Name']}` {column['Type']}" for column in columns)
    location = table.get("StorageDescriptor", {}).get("Location", "")
    head = f"CREATE TABLE {table['DatabaseName']}.{table['Name']}(\n{body})"
    text = f"{head}\nLOCATION '{location}'\nTBLPROPERTIES (\n  'table_type'='iceberg')"
    return _rows(["createtab_stmt"], [[line] for line in text.split("\n")])


def _drop_database(glue: Any, details: dict[str, Any]) -> Result:
    name = details["name"]
    try:
        tables = _all(glue, "get_tables", "TableList", DatabaseName=name)
        if tables and not details["cascade"]:
            raise QueryFailedError(
                f"FAILED: Execution Error: InvalidOperationException(message:Database {name} is not empty)"
            )
        glue.delete_database(Name=name)
    except ClientError as error:
        if not (details["if_exists"] and _is_missing(error)):
            raise
    return _rows([], [])


def _get(session: Credentials, database: str, table: str) -> dict[str, Any]:
    found: dict[str, Any] = client("glue", session).get_table(DatabaseName=database, Name=table)["Table"]
    return found


def _database_exists(session: Credentials, database: str) -> bool:
    try:
        client("glue", session).get_database(Name=database)
    except ClientError as error:
        if _is_missing(error):
            return False
        raise
    return True


def _is_missing(error: ClientError) -> bool:
    return bool(error.response["Error"]["Code"] == "EntityNotFoundException")


def _all(glue: Any, operation: str, member: str, **arguments: Any) -> list[dict[str, Any]]:
    return [item for part in glue.get_paginator(operation).paginate(**arguments) for item in part[member]]


def _matching(names: list[str], pattern: str) -> list[str]:
    return sorted(
        name for name in names if not pattern or fnmatch.fnmatchcase(name, pattern.replace("%", "*"))
    )


def _rows(names: list[str], rows: list[list[str | None]] | list[list[str]]) -> Result:
    return {"columns": [{"name": name, "type": "string"} for name in names], "rows": rows}
