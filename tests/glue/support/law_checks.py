"""Checks a lake whose histories were played, however they were: tables, errors, drift, ledger and mirrors
must be those that the model gives."""

import hashlib
import json
from collections import Counter
from functools import reduce
from pathlib import Path
from urllib.parse import unquote, urlparse

import model
from histories import FIELDS
from pyspark.sql import functions as F

from lean_ops.columns import names

_JSON = {"ignoreNullFields": "false", "timestampNTZFormat": "yyyy-MM-dd'T'HH:mm:ss.SSSSSS'Z'"}


def check(lake, played):
    standardized, curated = (read(lake, played, layer) for layer in ("standardized", "curated"))
    parse_errors, errors, drift, ledger = (
        by_topic(lake.rows(f"ops.{table}")) for table in ("parse_errors", "errors", "drift_log", "ledger")
    )
    for history in played:
        topic, events = history.topic, history.events
        comments = column_comments(lake, topic)
        readable = [event for event in events if model.is_readable(event)]
        assert standardized[topic] == in_json(model.standardized(events, comments)), topic
        assert curated[topic] == in_json(model.curated(events, FIELDS, comments)), topic
        refused = {(event.message_id, event.text) for event in events if not model.is_readable(event)}
        assert Counter((row["message_id"], row["payload"]) for row in parse_errors[topic]) == Counter(refused)
        bad = [row for row in errors[topic] if row["disposition"] == "rejected"]
        assert len({row["error_id"] for row in errors[topic]}) == len(errors[topic]), topic
        wrong = {
            (event.message_id, event.key) for event in readable if model.rejected(event, FIELDS, comments)
        }
        assert {(row["message_id"], row["idempotency_key"]) for row in bad} <= wrong, topic
        added = Counter(row["column_name"] for row in drift[topic] if row["change_type"] == "COLUMN_ADDED")
        assert added == Counter({name for event in readable for name in model.flat(event, comments)[0]}), (
            topic
        )
        check_ledger(ledger[topic], {"standardized": standardized[topic], "curated": curated[topic]})
        check_mirror(lake, topic)


def untouched(lake, topic):
    """What an operation on another topic may not touch: every object of the topic's tables, byte for byte,
    and its items."""
    warehouse = lake.spark.conf.get("spark.sql.catalog.glue_catalog.warehouse") or ""
    places = [
        Path(unquote(urlparse(warehouse).path), f"{lake.prefix}_{layer}", names.table_name(topic))
        for layer in ("standardized", "curated")
    ]
    files = {
        str(file): hashlib.sha256(file.read_bytes()).hexdigest()
        for place in places
        for file in place.rglob("*")
        if file.is_file()
    }
    assert files
    items = {key: dict(item) for key, item in lake.checkpoints.stored.items() if key[0] == topic}
    return files, items, dict(lake.registered[topic])


def column_comments(lake, topic):
    """Column to comment of a topic's Standardized table: the path that the first event had it for."""
    table = lake.name(f"standardized.{names.table_name(topic)}")
    if not lake.spark.catalog.tableExists(table):
        return {}
    lake.spark.sql(f"REFRESH TABLE {table}")
    return {field.name: field.metadata.get("comment") for field in lake.spark.table(table).schema.fields}


def check_schema_times(lake, played, forgotten):
    """Curated must hold what the schema could find: every version that cycle_delta still had when the schema
    came, and the latest version of each record. Where the latest version is not rejected, that is the same
    whenever the schema came.

    Returns how many rows of Standardized have a governed field in rescued_data.
    """
    standardized, curated = (read(lake, played, layer) for layer in ("standardized", "curated"))
    errors, ledger = (by_topic(lake.rows(f"ops.{table}")) for table in ("errors", "ledger"))
    paths = {name: f"$.{name}" for name in FIELDS}
    overflow = 0
    for history in played:
        topic, events, begin = history.topic, history.events, history.schema_from
        for row in standardized[topic].values():
            overflow += not paths.keys().isdisjoint(json.loads(row["rescued_data"] or "{}"))
        latest = model.winners(event for event, cycle in history.sent if cycle <= begin)
        seen = [event for event, cycle in history.sent if cycle >= forgotten[begin]] + list(latest.values())
        assert curated[topic] == in_json(model.curated(seen, FIELDS, paths)), topic
        found = {
            (
                row["message_id"],
                row["idempotency_key"],
                row["disposition"],
                frozenset(one["column"] for one in json.loads(row["violations"])),
            )
            for row in errors[topic]
        }
        assert found == model.errors(seen, FIELDS, paths), topic
        always = in_json(model.curated(events, FIELDS, paths))
        for key, event in model.winners(events).items():
            if not model.rejected(event, FIELDS, paths):
                assert curated[topic][key] == always[key], (topic, key)
        check_ledger(ledger[topic], {"standardized": standardized[topic], "curated": curated[topic]})
    return overflow


def check_ledger(entries, tables):
    """Every message is accounted for; no cycle is told twice."""
    told = Counter((row["layer"], row["cycle_id"]) for row in entries)
    assert set(told.values()) <= {1}
    for layer, rows in tables.items():
        own = [row for row in entries if row["layer"] == layer]
        gone = ("duplicates", "superseded", "parse_errors", "rejected", "forgotten")
        accounted = len(rows) + sum(row[name] for row in own for name in gone)
        assert sum(row["records_in"] + row["replayed"] for row in own) == accounted, own


def check_mirror(lake, topic):
    for layer in ("standardized", "curated"):
        mirror = lake.checkpoints.get(topic, layer)
        if mirror is not None:
            table = lake.name(f"{layer}.{names.table_name(topic)}")
            history = lake.spark.sql(f"SELECT snapshot_id FROM {table}.refs WHERE name = 'main'").collect()
            assert mirror["snapshot_id"] == str(history[0][0]), (topic, layer)


def read(lake, played, layer):
    """Topic to its table's rows by key, as JSON. What a cycle was called is no part of the law."""
    there = {row["tableName"] for row in lake.spark.sql(f"SHOW TABLES IN {lake.name(layer)}").collect()}
    tables = {one.topic: names.table_name(one.topic) for one in played}
    frames = [
        lake.spark.table(lake.name(f"{layer}.{table}"))
        .drop("cycle_id", "schema_version")
        .select(F.lit(topic).alias("topic"), F.to_json(F.struct("*"), _JSON).alias("row"))
        for topic, table in tables.items()
        if table in there
    ]
    found = {one.topic: {} for one in played}
    for topic, text in reduce(lambda one, other: one.union(other), frames).collect():
        row = json.loads(text)
        key = row.pop("idempotency_key")
        assert key not in found[topic], f"{topic} holds {key} twice"
        found[topic][key] = row
    return found


def in_json(rows):
    def plain(value):
        return value.strftime("%Y-%m-%dT%H:%M:%S.%fZ") if hasattr(value, "strftime") else value

    return {key: {name: plain(value) for name, value in row.items()} for key, row in rows.items()}


def by_topic(rows):
    found = {}
    for row in rows:
        found.setdefault(row["topic_name"], []).append(row)
    return _Missing(found)


class _Missing(dict):
    def __missing__(self, key):
        return []
