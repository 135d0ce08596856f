"""Some columns of rows are set, and whole rows written, in one commit."""

from lean_ops.tables.spark_tables import Tables

COLUMNS = "error_id string, topic_name string, record string, schema_version int, resolution string"


def test_changes_leave_the_other_columns_and_whole_rows_leave_nothing(lake):
    tables, name = Tables(lake.spark, lake.prefix), lake.name("ops.errors")

    def frame(*rows, columns=COLUMNS):
        return lake.spark.createDataFrame(list(rows), columns).coalesce(1)

    def found():
        columns = [column.partition(" ")[0] for column in COLUMNS.split(", ")]
        return sorted(tuple(row) for row in lake.spark.table(name).select(*columns).collect())

    tables.append(frame(*((one, "t", "{}", 1, None) for one in "abc")), name, {})
    commits = lake.commits("ops.errors")
    closed = frame(("a", "closed"), ("not there", "closed"), columns="error_id string, resolution string")
    tables.change(closed, frame(("b", "t", None, 2, None), ("d", "t", "{}", 2, None)), name, "error_id")
    assert found() == [
        ("a", "t", "{}", 1, "closed"),
        ("b", "t", None, 2, None),
        ("c", "t", "{}", 1, None),
        ("d", "t", "{}", 2, None),
    ]
    assert lake.commits("ops.errors") == commits + 1
