"""Results of Athena queries: the object in S3, and the pages that GetQueryResults returns."""

from typing import Any
from urllib.parse import urlparse

from emulator.iam.credentials import Credentials, client

_MAX_ROWS = 1000
"""A page of GetQueryResults holds no more."""


def save(session: Credentials, execution: dict[str, Any], result: dict[str, Any]) -> None:
    """Writes the result with the caller's rights. Raises botocore's ClientError when the caller may not."""
    location = urlparse(execution["ResultConfiguration"]["OutputLocation"])
    s3, key = client("s3", session), location.path.lstrip("/")
    names = [column["name"] for column in result["columns"]]
    if key.endswith(".csv"):
        body = "".join(_csv(row) for row in ([names] if names else []) + result["rows"])
    else:
        body = "".join("\t".join(cell or "" for cell in row) + "\n" for row in result["rows"])
    s3.put_object(Bucket=location.netloc, Key=key, Body=body.encode())
    types = ",".join(column["type"] for column in result["columns"])
    s3.put_object(Bucket=location.netloc, Key=f"{key}.metadata", Body=f"{','.join(names)}\n{types}".encode())


def _csv(row: list[str | None]) -> str:
    """A line of the result file: every value is quoted, and NULL is empty without quotes."""
    return ",".join("" if cell is None else '"' + cell.replace('"', '""') + '"' for cell in row) + "\n"


def page(execution: dict[str, Any], request: dict[str, Any]) -> dict[str, Any]:
    """A page of GetQueryResults. The first page of a query begins with the names of its columns."""
    result = execution.get("_result") or {"columns": [], "rows": []}
    columns, rows = result["columns"], result["rows"]
    start = int(request.get("NextToken") or 0)
    header = (
        [[column["name"] for column in columns]] if execution["StatementType"] == "DML" and columns else []
    )
    everything = header + rows
    size = min(int(request.get("MaxResults") or _MAX_ROWS), _MAX_ROWS)
    shown = everything[start : start + size]
    answer: dict[str, Any] = {
        "UpdateCount": int(result.get("update_count", 0)),
        "ResultSet": {
            "Rows": [
                {"Data": [{} if cell is None else {"VarCharValue": cell} for cell in row]} for row in shown
            ],
            "ResultSetMetadata": {"ColumnInfo": [_column(column) for column in columns]},
        },
    }
    if start + size < len(everything):
        answer["NextToken"] = str(start + size)
    return answer


def _column(column: dict[str, Any]) -> dict[str, Any]:
    return {
        "CatalogName": "hive",
        "SchemaName": "",
        "TableName": "",
        "Name": column["name"],
        "Label": column["name"],
        "Type": column["type"],
        "Precision": column.get("precision", 0),
        "Scale": column.get("scale", 0),
        "Nullable": "UNKNOWN",
        "CaseSensitive": column["type"] == "varchar",
    }
