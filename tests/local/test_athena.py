"""Athena through its API, on Spark, with its caller's rights."""

import json

import pytest
from botocore.exceptions import ClientError
from local_stack import Stack

from emulator.athena.spark_errors import as_athena

ALL = ["*"]


def test_athena_writes_and_reads_an_iceberg_table(stack: Stack) -> None:
    made = stack.query(
        "CREATE TABLE IF NOT EXISTS `d`.`kinds` (`s` string, `t` timestamp, `p` decimal(10,2), `f` double, "
        "`b` boolean, `m` map<string,string>) LOCATION 's3://lake/warehouse/d/kinds' "
        "TBLPROPERTIES ('table_type'='ICEBERG', 'write_data_path_enabled'='true')"
    )
    assert (made.state, made.execution["StatementType"]) == ("SUCCEEDED", "DDL")
    insert = (
        "INSERT INTO kinds (s, t, p, f, b, m) VALUES ('a\\b''c', TIMESTAMP '2026-11-23 10:00:00', "
        "DECIMAL '1.10', 1e10, true, MAP(ARRAY['a'], ARRAY['1']))"
    )
    assert stack.query(insert).reason == ""
    assert stack.query("INSERT INTO kinds (s) VALUES ('only')").reason == ""
    result = stack.query("SELECT * FROM kinds ORDER BY s")
    assert result.rows == [
        ["s", "t", "p", "f", "b", "m"],
        ["a\\b'c", "2026-11-23 10:00:00.000000", "1.10", "1.0E10", "true", "{a=1}"],
        ["only", None, None, None, None, None],
    ]
    key = result.execution["ResultConfiguration"]["OutputLocation"].removeprefix("s3://lake/")
    csv = stack.client("s3").get_object(Bucket="lake", Key=key)["Body"].read().decode()
    assert csv.splitlines()[2] == '"only",,,,,'
    changed = (
        "MERGE INTO kinds t USING (SELECT 'new' s, true b) n ON t.s = n.s "
        "WHEN NOT MATCHED THEN INSERT (s, b) VALUES (n.s, n.b)"
    )
    assert stack.query(changed).reason == ""
    assert stack.query("ALTER TABLE kinds ADD COLUMNS (`x` int)").reason == ""
    assert stack.query("ALTER TABLE kinds CHANGE COLUMN `x` `x` bigint").reason == ""
    assert stack.query("OPTIMIZE kinds REWRITE DATA USING BIN_PACK").reason == ""
    assert stack.query("SELECT count(*), count(x) FROM kinds").rows[1] == ["3", "0"]
    assert stack.query("DROP TABLE kinds").reason == ""


@pytest.mark.parametrize(
    ("clause", "transform", "source"),
    [("day(`at`)", "day", "at"), ("bucket(4, `id`)", "bucket[4]", "id")],
)
def test_a_partitioned_table_is_v2_and_partitioned_as_it_says(
    stack: Stack, clause: str, transform: str, source: str
) -> None:
    made = stack.query(
        f"CREATE TABLE `d`.`parts` (`id` string, `at` timestamp) PARTITIONED BY ({clause}) "
        "LOCATION 's3://lake/warehouse/d/parts/' TBLPROPERTIES ('table_type'='ICEBERG', "
        "'write_data_path_enabled'='true', 'write_compression'='zstd', "
        "'vacuum_max_metadata_files_to_keep'='20')"
    )
    assert made.reason == ""
    assert stack.query("INSERT INTO parts (id) VALUES ('a')").reason == ""
    parameters = stack.client("glue").get_table(DatabaseName="d", Name="parts")["Table"]["Parameters"]
    key = parameters["metadata_location"].removeprefix("s3://lake/")
    metadata = json.loads(stack.client("s3").get_object(Bucket="lake", Key=key)["Body"].read())
    assert metadata["format-version"] == 2
    [field] = metadata["partition-specs"][0]["fields"]
    [column] = [one for one in metadata["schemas"][0]["fields"] if one["name"] == source]
    assert (field["transform"], field["source-id"]) == (transform, column["id"])
    properties = metadata["properties"]
    assert properties["write.parquet.compression-codec"] == "zstd"
    # It counts for VACUUM alone: no commit deletes metadata files because of it.
    assert "write.metadata.previous-versions-max" not in properties
    assert stack.query('SELECT count(*) FROM "parts$partitions"').rows[1] == ["1"]
    assert stack.query("DROP TABLE parts").reason == ""


@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        ("SELECT * FROM nope", "TABLE_NOT_FOUND: line 1:15: Table 'awsdatacatalog.d.nope' does not exist"),
        ("SELECT * FROM x.nope", "SCHEMA_NOT_FOUND: line 1:15: Schema 'x' does not exist"),
        ("SELECT nope FROM events", "COLUMN_NOT_FOUND: line 1:8: Column 'nope' cannot be resolved"),
        ("SELECT 1 / 0", "DIVISION_BY_ZERO: Division by zero"),
        (
            "CREATE TABLE `d`.`events` (a int) LOCATION 's3://lake/x' TBLPROPERTIES ('table_type'='ICEBERG')",
            "TABLE_ALREADY_EXISTS: Table 'd.events' already exists",
        ),
    ],
)
def test_athena_says_what_is_wrong(stack: Stack, sql: str, reason: str) -> None:
    result = stack.query(sql)
    assert (result.state, result.reason) == ("FAILED", reason)


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE TABLE `d`.`twins` (`ts` timestamp, `ts_day` string) PARTITIONED BY (day(`ts`)) "
        "LOCATION 's3://lake/warehouse/d/twins/' TBLPROPERTIES ('table_type'='ICEBERG')",
        "SELECT nope FROM events",
        "CREATE TABLE `x`.`t` (a int) LOCATION 's3://lake/x' TBLPROPERTIES ('table_type'='ICEBERG')",
    ],
)
def test_what_a_statement_is_to_blame_for_is_a_users_error(stack: Stack, sql: str) -> None:
    error = stack.query(sql).execution["Status"]["AthenaError"]
    assert (error["ErrorCategory"], error["Retryable"]) == (2, False)


@pytest.mark.parametrize(
    ("error", "category", "retryable"),
    [
        ("org.apache.iceberg.exceptions.CommitFailedException: lost", 1, True),
        ("org.apache.iceberg.exceptions.ValidationException: Found conflicting files that …", 1, True),
        ("org.apache.iceberg.exceptions.ValidationException: Found new conflicting delete files", 1, True),
        ("org.apache.iceberg.exceptions.ValidationException: Cannot commit, missing data files", 1, True),
        ("org.apache.iceberg.exceptions.ValidationException: Table column names conflict with …", 2, False),
        ("java.net.SocketException: Connection reset", 1, False),
        ("java.lang.IllegalArgumentException: Cannot create partition from name", 2, False),
    ],
)
def test_what_spark_raises_has_athenas_category(error: str, category: int, retryable: bool) -> None:
    found = as_athena(RuntimeError(error), "SELECT 1")
    assert (found.category, found.retryable) == (category, retryable)


def test_athena_refuses_what_does_not_parse(stack: Stack) -> None:
    with pytest.raises(ClientError, match="mismatched input 'SELEC'") as refused:
        stack.query("SELEC 1")
    assert refused.value.response["AthenaErrorCode"] == "MALFORMED_QUERY"


def test_athena_acts_as_its_caller(stack: Stack) -> None:
    iam = stack.client("iam")
    iam.create_user(UserName="reader")
    keys = iam.create_access_key(UserName="reader")["AccessKey"]
    default_database = (
        ["glue:CreateDatabase"],
        ["arn:aws:glue:*:*:catalog", "arn:aws:glue:*:*:database/default"],
    )
    rights: list[tuple[list[str], list[str]]] = [
        (["athena:*"], ALL),
        (["glue:GetTable", "glue:GetDatabase"], ALL),
        default_database,
        (["s3:PutObject"], ["arn:aws:s3:::lake/athena-results/*"]),
    ]

    def allow(*more: tuple[list[str], list[str]]) -> None:
        rules = [{"Effect": "Allow", "Action": a, "Resource": r} for a, r in [*rights, *more]]
        policy = json.dumps({"Version": "2012-10-17", "Statement": rules})
        iam.put_user_policy(UserName="reader", PolicyName="rights", PolicyDocument=policy)

    allow()
    denied = stack.query("SELECT count(*) FROM events", keys)
    assert denied.state == "FAILED"
    assert "user/reader is not authorized to perform: s3:GetObject" in denied.reason
    allow((["s3:GetObject"], ["arn:aws:s3:::lake/warehouse/*"]))
    assert stack.query("SELECT count(*) FROM events", keys).state == "SUCCEEDED"
    written = stack.query("INSERT INTO events (id) VALUES ('x')", keys)
    assert written.reason.startswith("PERMISSION_DENIED")
    assert "s3:PutObject" in written.reason
    rights.remove(default_database)
    allow()
    without = stack.query("SELECT 1", keys)
    assert without.reason.startswith("PERMISSION_DENIED")
    assert "glue:CreateDatabase on resource: " in without.reason
