"""The parts of Spark's SQL that statements are put together from."""

CATALOG = "glue_catalog"
"""The name under which Spark knows the Glue Data Catalog."""

SEPARATOR = ";\n"
"""Stands between the statements that one statement of Athena's became.

Spark changes one thing of a column at a time.
"""


def escape(value: str) -> str:
    """The inside of a string literal."""
    return value.replace("\\", "\\\\").replace("'", "\\'")


def quoted(database: str, table: str) -> str:
    return f"`{CATALOG}`.`{database}`.`{table}`"
