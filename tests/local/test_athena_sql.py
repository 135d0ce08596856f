"""Athena SQL becomes what Spark understands, and what Athena would refuse is refused."""

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emulator.athena.errors import MalformedQueryError, QueryFailedError
from emulator.athena.sql import plan
from emulator.athena.text import read_text

T = "`glue_catalog`.`d`.`t`"
ICEBERG = "LOCATION 's3://b/t' TBLPROPERTIES ('table_type'='ICEBERG')"
FORMAT = (
    "'format-version'='2', 'write.format.default'='parquet', 'write.parquet.compression-codec'='zstd', "
    "'write.object-storage.enabled'='true'"
)
LEGACY, CURRENT = (f"'write.{name}.path'='s3://b/t/data'" for name in ("object-storage", "data"))
WORDS = """
ALTER TABLE t d.t `t` "t" CHANGE COLUMN ADD COLUMNS a int ( ) , CREATE DROP IF EXISTS NOT AS SELECT
1 FROM WITH SHOW TABLES IN DESCRIBE OPTIMIZE REWRITE DATA USING BIN_PACK WHERE = VACUUM
TBLPROPERTIES LOCATION 's3://b' SET INSERT INTO VALUES DELETE UPDATE MERGE EXPLAIN PARTITIONED BY
COMMENT FIRST AFTER ; . * + UNNEST
"""


@pytest.mark.parametrize(
    ("sql", "spark"),
    [
        # names: the default database, the catalog, quotes, CTEs
        ("SELECT a FROM t", f"SELECT a FROM {T} AS `t`"),
        ('SELECT a FROM "AwsDataCatalog"."D"."T" x', f"SELECT a FROM {T} AS x"),
        ("WITH q AS (SELECT 1 a) SELECT * FROM q", "WITH q AS (SELECT 1 AS a) SELECT * FROM q"),
        (
            'SELECT count(*) c FROM "t$snapshots"',
            f"SELECT COUNT(*) AS c FROM {T}.`snapshots` AS `t$snapshots`",
        ),
        (
            "SELECT 1, count(*), a b FROM t",
            f"SELECT 1 AS `_col0`, COUNT(*) AS `_col1`, a AS b FROM {T} AS `t`",
        ),
        ('SELECT a "it\'s" FROM t', f"SELECT a AS `it's` FROM {T} AS `t`"),
        ("SELECT a FROM t;", f"SELECT a FROM {T} AS `t`"),
        # functions that mean something else in Spark
        (
            "SELECT date_add('hour', 2, a) x, date_diff('day', a, b) y FROM t",
            f"SELECT TIMESTAMPADD(HOUR, 2, a) AS x, TIMESTAMPDIFF(DAY, a, b) AS y FROM {T} AS `t`",
        ),
        (
            "SELECT to_hex(sha256(to_utf8(a))) x FROM t",
            f"SELECT HEX(UNHEX(SHA2(ENCODE(a, 'utf-8'), 256))) AS x FROM {T} AS `t`",
        ),
        ("SELECT DECIMAL '1.10' x", "SELECT CAST('1.10' AS DECIMAL(3, 2)) AS x"),
        ("SELECT CAST(a AS decimal) x FROM t", f"SELECT CAST(a AS DECIMAL(38, 0)) AS x FROM {T} AS `t`"),
        ("SELECT approx_distinct(a) x FROM t", f"SELECT APPROX_COUNT_DISTINCT(a) AS x FROM {T} AS `t`"),
        ("SELECT max_by(a, b) x FROM t", f"SELECT MAX_BY(a, b) AS x FROM {T} AS `t`"),
        (
            "SELECT max_by(a, b, 3) x FROM t",
            "SELECT CASE WHEN COUNT(b) > 0 THEN TRANSFORM(SLICE(SORT_ARRAY(COLLECT_LIST("
            "CASE WHEN NOT b IS NULL THEN NAMED_STRUCT('k', b, 'v', a) END), FALSE), 1, 3), pair -> pair.v) "
            f"END AS x FROM {T} AS `t`",
        ),
        (
            "SELECT map_concat(a, b) x FROM t",
            "SELECT MAP_CONCAT(MAP_FILTER(a, (map_key, map_value) -> NOT MAP_CONTAINS_KEY(b, map_key)), b) "
            f"AS x FROM {T} AS `t`",
        ),
        (
            "SELECT TRY(CAST(json_parse(a) AS map(varchar, varchar))) x FROM t",
            f"SELECT FROM_JSON(a, 'MAP<STRING, STRING>') AS x FROM {T} AS `t`",
        ),
        (
            "SELECT n FROM t CROSS JOIN UNNEST(arr) AS u(n)",
            f"SELECT n FROM {T} AS `t` LATERAL VIEW EXPLODE(arr) u AS n",
        ),
        ("SELECT a FROM t FOR VERSION AS OF 7", f"SELECT a FROM {T} VERSION AS OF 7 AS `t`"),
        # DML
        ("INSERT INTO t (a) VALUES (1)", f"INSERT INTO {T} (a) VALUES (1)"),
        ("UPDATE d.t SET a = 1 WHERE b = 2", f"UPDATE {T} SET a = 1 WHERE b = 2"),
        ("DELETE FROM d.t WHERE a = 1", f"DELETE FROM {T} WHERE a = 1"),
        (
            "MERGE INTO t USING (SELECT 1 a) s ON t.a = s.a WHEN MATCHED THEN UPDATE SET b = 2",
            f"MERGE INTO {T} USING (SELECT 1 AS a) AS s ON t.a = s.a WHEN MATCHED THEN UPDATE SET b = 2",
        ),
        # DDL
        (
            f"CREATE TABLE IF NOT EXISTS `d`.`T` (`A` string, b timestamp COMMENT 'it\\'s', "
            f"c map<string,string>) PARTITIONED BY (day(`b`), bucket(16, `a`), truncate(4, a), A) {ICEBERG}",
            f"CREATE TABLE IF NOT EXISTS {T} (`a` STRING, `b` TIMESTAMP_NTZ COMMENT 'it\\'s', "
            "`c` MAP<STRING, STRING>) USING iceberg "
            "PARTITIONED BY (days(`b`), bucket(16, `a`), truncate(4, `a`), `a`) "
            f"LOCATION 's3://b/t' TBLPROPERTIES ({FORMAT}, {LEGACY})",
        ),
        (
            f"CREATE TABLE t (a int) {ICEBERG[:-1]}, 'write_data_path_enabled'='true')",
            f"CREATE TABLE {T} (`a` INT) USING iceberg LOCATION 's3://b/t' "
            f"TBLPROPERTIES ({FORMAT}, {CURRENT})",
        ),
        (
            "CREATE TABLE d.t WITH (table_type = 'ICEBERG', location = 's3://b/t', is_external = false, "
            "partitioning = ARRAY['day(ts)']) AS SELECT a FROM d.s",
            f"CREATE TABLE {T} USING iceberg PARTITIONED BY (days(`ts`)) LOCATION 's3://b/t' "
            f"TBLPROPERTIES ({FORMAT}, {CURRENT}) AS SELECT a FROM `glue_catalog`.`d`.`s` AS `s`",
        ),
        ("ALTER TABLE t ADD COLUMNS (a string, b int)", f"ALTER TABLE {T} ADD COLUMNS (`a` STRING, `b` INT)"),
        ("ALTER TABLE t DROP COLUMN a", f"ALTER TABLE {T} DROP COLUMN `a`"),
        ("ALTER TABLE t CHANGE COLUMN a a bigint", f"ALTER TABLE {T} ALTER COLUMN `a` TYPE BIGINT"),
        (
            "ALTER TABLE `d`.`t` CHANGE a b bigint COMMENT 'x' AFTER c",
            f"ALTER TABLE {T} ALTER COLUMN `a` TYPE BIGINT;\nALTER TABLE {T} ALTER COLUMN `a` COMMENT 'x';\n"
            f"ALTER TABLE {T} ALTER COLUMN `a` AFTER `c`;\nALTER TABLE {T} RENAME COLUMN `a` TO `b`",
        ),
        (
            "ALTER TABLE t SET TBLPROPERTIES ('vacuum_max_snapshot_age_seconds'='60')",
            f"ALTER TABLE {T} SET TBLPROPERTIES "
            "('vacuum_max_snapshot_age_seconds'='60', 'history.expire.max-snapshot-age-ms'='60000')",
        ),
        (
            "ALTER TABLE t SET TBLPROPERTIES ('write.data.path'='s3://b/t/data')",
            f"ALTER TABLE {T} SET TBLPROPERTIES ({CURRENT})",
        ),
        ("DROP TABLE IF EXISTS `d`.`t`", f"DROP TABLE {T} PURGE"),
    ],
)
def test_translation(sql: str, spark: str) -> None:
    assert plan(sql, "d").sql == spark


@pytest.mark.parametrize(
    ("sql", "kind", "verb", "details"),
    [
        ("SHOW TABLES", "UTILITY", "show_tables", {"database": "d", "pattern": ""}),
        ("SHOW TABLES IN `x` 'a*'", "UTILITY", "show_tables", {"database": "x", "pattern": "a*"}),
        ("DESCRIBE t", "UTILITY", "describe", {}),
        ("SHOW COLUMNS IN t", "UTILITY", "show_columns", {}),
        ("CREATE DATABASE IF NOT EXISTS x", "DDL", "create_database", {"name": "x", "if_not_exists": True}),
        (
            "DROP DATABASE x CASCADE",
            "DDL",
            "drop_database",
            {"name": "x", "if_exists": False, "cascade": True},
        ),
        ("VACUUM t", "UTILITY", "vacuum", {"database": "d", "table": "t", "where": ""}),
        (
            'OPTIMIZE "d"."t" REWRITE DATA USING BIN_PACK WHERE a = \'x\'',
            "UTILITY",
            "optimize",
            {"database": "d", "table": "t", "where": "a = 'x'"},
        ),
        ("SELECT 1", "DML", "query", {}),
    ],
)
def test_the_kind_of_work(sql: str, kind: str, verb: str, details: dict[str, object]) -> None:
    planned = plan(sql, "d")
    assert (planned.statement_type, planned.verb, planned.details) == (kind, verb, details)


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("", "line 1:1: mismatched input '<EOF>'"),
        ("SELEC 1", "line 1:1: mismatched input 'SELEC'"),
        ("SELECT * FRM t", "line 1:14: mismatched input 't'"),
        ("SELECT 1; SELECT 2", "Only one sql statement is allowed. Got: SELECT 1; SELECT 2"),
        ("SELECT 'a", "a quote is not closed"),
        ("SELECT `a` FROM t", "line 1:8: backquoted identifiers are not supported; use double quotes"),
        (f'CREATE TABLE "d"."t" (a int) {ICEBERG}', "line 1:14: mismatched input '\"d\"'"),
        ("CREATE TABLE t (a int) LOCATION 's3://b/t'", "External keyword required for table type HIVE"),
        ("MSCK REPAIR TABLE t", "no viable alternative"),
    ],
)
def test_what_the_grammar_refuses(sql: str, message: str) -> None:
    with pytest.raises(MalformedQueryError) as refused:
        plan(sql, "d")
    assert message in str(refused.value)


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("SELECT explode(a) FROM t", "FUNCTION_NOT_FOUND: line 1:8: Function 'explode' not registered"),
        ("SELECT nvl(a, 1) FROM t", "FUNCTION_NOT_FOUND: line 1:8: Function 'nvl' not registered"),
        ("SELECT 1 FROM other.d.t", "CATALOG_NOT_FOUND: line 1:21: Catalog 'other' does not exist"),
        (
            'SELECT 1 FROM "t$nope"',
            "TABLE_NOT_FOUND: line 1:15: Table 'awsdatacatalog.d.t$nope' does not exist",
        ),
        (f"CREATE TABLE t (a varchar(3)) {ICEBERG}", "Unsupported Hive type"),
        (f"CREATE TABLE t (a smallint) {ICEBERG}", "Unsupported Hive type"),
        (
            f"CREATE TABLE t (a int) {ICEBERG[:-1]}, 'write.format.default'='orc')",
            "Unsupported table property key",
        ),
        ("CREATE TABLE t (a int) TBLPROPERTIES ('table_type'='ICEBERG')", "Table location can not be null"),
        ("ALTER TABLE t SET TBLPROPERTIES ('vacuum_min_snapshots_to_keep'='x')", "must be a number"),
        ("ALTER TABLE t SET TBLPROPERTIES ('vacuum_min_snapshots_to_keep'='0')", "must be a number"),
        (
            "ALTER TABLE t SET TBLPROPERTIES ('optimize_rewrite_data_file_threshold'='50')",
            "must be less than 50",
        ),
        (
            "ALTER TABLE t SET TBLPROPERTIES ('write_target_data_file_size_bytes'='134217728')",
            "Unsupported table property key",
        ),
        ("ALTER TABLE t SET TBLPROPERTIES ('write_compression'='zst')", "write_compression must be one of"),
        (
            f"CREATE TABLE t (a int) {ICEBERG[:-1]}, 'write_data_path_enabled'='yes')",
            "write_data_path_enabled must be true or false",
        ),
        (
            f"CREATE TABLE t (a int) {ICEBERG[:-1]}, 'compression_level'='3')",
            "Compression codec must be defined",
        ),
        ("CREATE VIEW v AS SELECT 1", "NOT_SUPPORTED"),
    ],
)
def test_what_the_execution_refuses(sql: str, message: str) -> None:
    with pytest.raises(QueryFailedError) as refused:
        plan(sql, "d")
    assert message in str(refused.value)


@pytest.mark.parametrize(
    ("clause", "message"),
    [
        ("day(s)", "Cannot partition by day(s): s is of type string"),
        ("hour(day)", "Cannot partition by hour(day): day is of type date"),
        ("bucket(4, d)", "Cannot partition by bucket(d): d is of type double"),
        ("m", "Cannot partition by m: m is of type map"),
        ("day(nope)", "Partition column nope is not among the columns"),
        ("bucket(0, s)", "wants a positive whole number"),
        ("bucket(1.5, s)", "wants a positive whole number"),
        ("bucket('4', s)", "wants a positive whole number"),
        ("bucket(2147483648, s)", "wants a positive whole number"),
        ("bucket(-4, s)", "mismatched input '-'"),
        ("bucket(s)", "mismatched input"),
        ("day(day(t))", "Unsupported partition transform"),
        ("lower(s)", "Unsupported partition transform"),
        ("day(t), month(t)", "Cannot add redundant partition of t"),
        ("bucket(4, s), bucket(8, s)", "Cannot add redundant partition of s"),
        ("s string", "without a type"),
    ],
)
def test_what_no_table_is_partitioned_by(clause: str, message: str) -> None:
    columns = "s string, t timestamp, day date, d double, m map<string,string>"
    with pytest.raises((QueryFailedError, MalformedQueryError)) as refused:
        plan(f"CREATE TABLE t ({columns}) PARTITIONED BY ({clause}) {ICEBERG}", "d")
    assert message in str(refused.value)


@settings(max_examples=300)
@given(st.one_of(st.text(max_size=80), st.lists(st.sampled_from(WORDS.split()), max_size=12).map(" ".join)))
def test_any_text_is_planned_or_refused_and_nothing_else(text: str) -> None:
    # Anything else that is raised here would be an internal error of the API.
    with contextlib.suppress(MalformedQueryError, QueryFailedError):
        assert plan(text, "d").statement_type in ("DML", "DDL", "UTILITY")


@given(st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\0"), max_size=60))
def test_a_string_literal_is_never_read_as_sql(value: str) -> None:
    literal = "'" + value.replace("'", "''") + "'"
    text = read_text(f"SELECT {literal}")
    assert [token.text for token in text.tokens] == ["SELECT", value]
    assert text.statement_type == "DML"
