"""Spark's and Iceberg's errors as the reasons that Athena gives for a failed query."""

import re

from emulator.athena.errors import SYSTEM, USER, QueryFailedError
from emulator.athena.text import position

_CONDITIONS = {
    "UNRESOLVED_ROUTINE": ("FUNCTION_NOT_FOUND", "Function {0} not registered"),
    "DIVIDE_BY_ZERO": ("DIVISION_BY_ZERO", "Division by zero"),
    "CAST_INVALID_INPUT": ("INVALID_CAST_ARGUMENT", None),
    "CAST_OVERFLOW": ("INVALID_CAST_ARGUMENT", None),
    "ARITHMETIC_OVERFLOW": ("NUMERIC_VALUE_OUT_OF_RANGE", None),
    "NUMERIC_VALUE_OUT_OF_RANGE": ("NUMERIC_VALUE_OUT_OF_RANGE", None),
    "DATATYPE_MISMATCH": ("TYPE_MISMATCH", None),
    "INCOMPATIBLE_DATA_FOR_TABLE": ("TYPE_MISMATCH", None),
    "MISSING_AGGREGATION": ("EXPRESSION_NOT_AGGREGATE", None),
    "MERGE_CARDINALITY_VIOLATION": (
        "MERGE_TARGET_ROW_MULTIPLE_MATCHES",
        "One MERGE target table row matched more than one source row",
    ),
    "INSERT_COLUMN_ARITY_MISMATCH": ("TYPE_MISMATCH", "Insert query has mismatched column types"),
    "PARSE_SYNTAX_ERROR": ("SYNTAX_ERROR", None),
    "FIELDS_ALREADY_EXISTS": ("COLUMN_ALREADY_EXISTS", None),
    "TABLE_OR_VIEW_ALREADY_EXISTS": ("TABLE_ALREADY_EXISTS", None),
}
_COMMIT_CONFLICTS = (
    "CommitFailedException",
    "CommitStateUnknownException",
    "concurrent update",
    "Found conflicting",
    "Found new conflicting",
    "Cannot commit, ",
)
"""Words of the errors of Iceberg's commits that lost against another writer. Its ValidationException is the
class of some of these, and of what it refuses in any schema."""
_REFUSALS = ("AnalysisException", "ParseException", "IllegalArgumentException", "ValidationException")
"""Errors by which Spark and Iceberg refuse what a statement says. Any other unknown one is the engine's."""
_CAST = re.compile(r"The value '(.*?)' of the type \"\w+\" cannot be cast to \"([^\"]+)\"")
_NAME = re.compile(r"`([^`]+)`")


def as_athena(error: Exception, sql: str) -> QueryFailedError:
    """An error that Spark raised for `sql`, with Athena's code.

    The text stays Spark's where Athena's own would need Athena's parser.
    """
    text = _text(error)
    condition = _condition(error, text)
    if condition.startswith(("UNRESOLVED_COLUMN", "UNRESOLVED_FIELD")):
        column = (_NAME.findall(text) or ["?"])[-1 if condition.startswith("UNRESOLVED_FIELD") else 0]
        return QueryFailedError(
            f"COLUMN_NOT_FOUND: {_position(sql, column)}: Column '{column}' cannot be resolved"
        )
    cast = _CAST.search(text)
    if cast is not None:
        return QueryFailedError(
            f"INVALID_CAST_ARGUMENT: Cannot cast '{cast.group(1)}' to {cast.group(2).lower()}"
        )
    for name, (code, message) in _CONDITIONS.items():
        if condition.startswith(name):
            names = _NAME.findall(text) or [""]
            return QueryFailedError(f"{code}: {message.format(names[0]) if message else _sentence(text)}")
    if "not authorized to perform" in text or "AccessDenied" in text or "Access Denied" in text:
        return QueryFailedError(f"PERMISSION_DENIED: {_denied(text)}")
    if any(words in text for words in _COMMIT_CONFLICTS):
        return QueryFailedError(f"ICEBERG_COMMIT_ERROR: {_sentence(text)}", SYSTEM, retryable=True)
    kind = f"{type(error).__name__} {text.partition(':')[0]}"
    refused = any(name in kind for name in _REFUSALS)
    return QueryFailedError(f"GENERIC_INTERNAL_ERROR: {_sentence(text)}", USER if refused else SYSTEM)


def _text(error: Exception) -> str:
    java = getattr(error, "java_exception", None)
    return f"{error}" if java is None else f"{java.toString()}"


def _condition(error: Exception, text: str) -> str:
    getter = getattr(error, "getErrorClass", None)
    found = getter() if callable(getter) else None
    if found:
        return str(found)
    match = re.search(r"\[([A-Z][A-Z0-9_.]+)\]", text)
    return match.group(1) if match else ""


def _sentence(text: str) -> str:
    line = next((line for line in text.splitlines() if line.strip()), "unknown error")
    # When a task failed, the cause stands behind Spark's own words about the stage.
    line = re.sub(r"^Job aborted due to stage failure: .*?\): ", "", line)
    line = re.sub(r"^(?:[a-z][\w$]*\.)+[A-Z][\w$]*: ", "", line)
    return re.sub(r"\[[A-Z][A-Z0-9_.]+\] ", "", line).strip()[:1000]


def _denied(text: str) -> str:
    line = next((line for line in text.splitlines() if "not authorized" in line or "Access" in line), text)
    match = re.search(r"User: .*?(?= \(Service|$)", line)
    return (match.group() if match else _sentence(line))[:1000]


def _position(sql: str, column: str) -> str:
    return position(sql, max(sql.lower().find(column.lower()), 0))
