"""Which rows, messages and texts are those of a key."""

import hashlib
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow.fs import LocalFileSystem

from lean_ops.forget.keys import Forgotten, hash_of
from lean_ops.forget.traces import avro_blocks, holds_rows, without_rows

TOPIC = "telemetry.climate"
KEYS = st.text(min_size=1, max_size=20).filter(lambda text: "\x00" not in text)


def forgotten(*keys):
    return Forgotten(operation_id="20261130T062500Z-forget-ab12cd", topic=TOPIC, keys=frozenset(keys))


@given(key=KEYS, other=KEYS)
def test_a_message_is_of_the_key_that_its_envelope_names(key, other):
    body = json.dumps({"topic_name": TOPIC, "idempotency_key": key, "message_id": "m", "payload": {}})
    assert forgotten(key).is_of_body(body, "sqs-1")
    assert forgotten(other).is_of_body(body, "sqs-1") == (other == key)
    assert not forgotten("sqs-1", "m").is_of_body(body, "sqs-1") or key in ("sqs-1", "m")


@pytest.mark.parametrize(
    ("body", "key"),
    [
        ('{"topic_name": "t", "payload": {"a": NaN}, "idempotency_key": "k\\u00fc"}', "kü"),
        ('{"idempotency_key": "old", "payload": {\'a\': 1}, "idempotency_key": "k"}', "k"),
        ('{"topic_name": "t", "message_id": 17, "payload": 1}', "17"),
        ('{"topic_name": "t", "idempotency_key": "", "message_id": "m", "payload": 1}', "m"),
        ('{"idempotency_key": "k"}', "sqs-1"),
        ('{"idempotency_key": "k", "payload": 1}', "k"),
        ('{"idempotency_key": "k", "payload": 1, "more": 2}', "sqs-1"),
        ('{"topic_name": "t", "idempotency_key": "k\\ud83d-", "payload": 1}', "k\ufffd-"),
        ("no JSON at all", "sqs-1"),
    ],
)
def test_other_messages_are_of_the_id_that_stands_for_their_key(body, key):
    assert forgotten(key).is_of_body(body, "sqs-1")
    assert not forgotten(f"{key}2", key[:-1]).is_of_body(body, "sqs-1")


@given(key=KEYS)
def test_a_text_with_the_key_is_found_however_it_is_written(key):
    for text in (key, json.dumps({"a": key}), json.dumps([key], ensure_ascii=False)):
        assert forgotten(key).is_in(f"x{text}y".encode())


def test_the_hash_is_that_of_salt_and_key():
    assert hash_of("5a17", "kü'") == hashlib.sha256("5a17kü'".encode()).hexdigest()
    assert repr(forgotten("secret")).count("secret") == 0


def test_a_record_of_firehose_is_of_its_topic_and_key():
    frame = json.dumps({"v": 1, "topic_name": TOPIC, "message_id": "m", "idempotency_key": "k"}).encode()
    assert forgotten("k").is_of_record(frame + b"\n{}")
    assert not forgotten("m").is_of_record(frame + b"\n{}")
    assert not forgotten("k").is_of_record(frame.replace(b"climate", b"others1") + b"\n{}")
    assert not forgotten("k").is_of_record(b"\xff\xfe")


def test_a_data_file_is_searched_and_written_without_the_rows(tmp_path):
    path = str(tmp_path / "raw.parquet")
    rows = pa.table(
        {
            "topic_name": [TOPIC, TOPIC, "other", None],
            "idempotency_key": ["k", "k2", "k", "k"],
            "message_id": ["m1", "m2", "m3", "m4"],
        }
    )
    pq.write_table(rows, path)
    files = LocalFileSystem()
    assert holds_rows(files, path, forgotten("k"))
    assert holds_rows(files, path, forgotten("m2"))
    assert not holds_rows(files, path, forgotten("m3", "nobody"))
    without_rows(files, path, forgotten("k"))
    assert pq.read_table(path)["message_id"].to_pylist() == ["m2", "m3", "m4"]
    assert not holds_rows(files, path, forgotten("k"))
    assert not holds_rows(files, str(tmp_path / "gone.parquet"), forgotten("k"))


def test_what_is_no_avro_is_searched_as_it_is():
    assert list(avro_blocks(b"plain")) == [b"plain"]


def test_a_letter_that_was_sent_again_is_of_the_id_that_it_had_at_first():
    origin = {"v": 1, "kind": "replay", "message_id": "first"}
    for body in ("no JSON", None):
        letter = {"source_message_id": "again", "body": body, "lean_ops_origin": origin}
        assert forgotten("first").is_of_letter(letter)
        assert not forgotten("again").is_of_letter(letter)
        assert forgotten("again").is_of_letter({**letter, "lean_ops_origin": None})
