import json
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lean_ops.bookkeeping.drift_log import COLUMN_RESCUED, MAX_PATH, NAME_COLLISION, TOO_DEEP, rescue_of
from lean_ops.columns import names
from lean_ops.columns.column_paths import by_column
from lean_ops.payload.flatten import Flattener
from lean_ops.payload.flatten_batches import RAW_COLUMNS, flatten_batches
from lean_ops.payload.json_text import InvalidJsonError

VECTORS = Path(__file__).parents[2] / "conformance"
REPOSITORY = Path(__file__).parents[3]


def vectors(file):
    return [pytest.param(one, id=one["name"]) for one in json.loads((VECTORS / file).read_text("utf-8"))]


@pytest.mark.parametrize("vector", vectors("flatten.json"))
def test_payload_flattens_as_the_vector_says(vector):
    result = Flattener().flatten(vector["payload"])
    columns, others = by_column(result.values.items(), {})
    assert columns == vector["columns"]
    assert result.rescued | others == vector.get("rescued", {})
    drift = {path: rescue_of(path) for path in result.rescued} | dict.fromkeys(others, NAME_COLLISION)
    assert drift == vector.get("drift", {})
    rescued = json.loads(result.rescued_text) if result.rescued_text else {}
    assert rescued == result.rescued


@pytest.mark.parametrize("vector", vectors("payloads.json"))
def test_a_payload_has_the_same_columns_from_raw_and_as_it_was_sent(vector):
    for payload in (vector["raw"], vector["sent"]):
        result = Flattener().flatten(payload)
        assert by_column(result.values.items(), {}) == (vector["columns"], {})
        assert not result.rescued


def refuse_constant(word):
    raise ValueError(word)


@example("NaN", "")
@given(st.text(), st.sampled_from(["", "{", "[", " {", "\ufeff{", '"', "{}", "[1]"]))
def test_every_text_is_a_value_unless_it_holds_an_object_or_an_array(text, start):
    text = start + text
    try:
        inner = json.loads(text.lstrip("\ufeff"), parse_constant=refuse_constant)
    except ValueError:
        inner = None
    result = Flattener().flatten(json.dumps(text))
    if isinstance(inner, dict | list):
        assert result == Flattener().flatten(text)
    else:
        assert result == ({"$.value": text}, {})


@pytest.mark.parametrize("vector", vectors("invalid_json.json"))
def test_what_json_does_not_allow_is_refused(vector):
    with pytest.raises(InvalidJsonError):
        Flattener().flatten(vector["payload"])


leaves = st.none() | st.booleans() | st.integers() | st.text(max_size=5)
keys = st.sampled_from(["a", "A", "a_b", "a__b", "b", "1", "", "é", "message_id", "_deleted", "_Pos", "a.b"])
payloads = st.dictionaries(
    keys,
    st.recursive(leaves, lambda inner: st.dictionaries(keys, inner, max_size=4), max_leaves=12),
    max_size=6,
)


def leaf_count(value):
    return sum(leaf_count(inner) if isinstance(inner, dict) and inner else 1 for inner in value.values())


@given(payloads)
def test_no_value_is_lost(payload):
    result = Flattener().flatten(json.dumps(payload))
    assert len(result.values) + len(result.rescued) == leaf_count(payload)
    columns, others = by_column(result.values.items(), {})
    assert len(columns) + len(others) == len(result.values)


@given(payloads)
def test_every_column_name_is_one_that_glue_takes_and_none_is_kept_by_others(payload):
    for name in by_column(Flattener().flatten(json.dumps(payload)).values.items(), {})[0]:
        assert set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789_")
        assert name
        assert not name[0].isdigit()
        assert name not in names.RESERVED_COLUMNS
        assert name not in names.ENGINE_COLUMNS


@given(st.lists(payloads, max_size=5))
def test_what_was_flattened_before_changes_nothing(several):
    shared = Flattener()
    for payload in several:
        text = json.dumps(payload)
        assert shared.flatten(text) == Flattener().flatten(text)


def test_names_without_end_do_not_fill_the_memory(monkeypatch):
    monkeypatch.setattr("lean_ops.payload.flatten._MAX_CACHED_NAMES", 10)
    flattener = Flattener()
    for n in range(100):
        assert flattener.flatten(f'{{"k{n}":{{"x":{n}}}}}').values == {f"$.k{n}.x": str(n)}
        assert flattener._cached <= 11


def test_half_a_million_levels_of_arrays_are_one_column():
    text = "[" * 500_000 + "]" * 500_000
    assert Flattener().flatten(f'{{"a":{text}}}').values == {"$.a": text}


def test_half_a_million_levels_of_objects_are_rescued():
    payload = '{"a":' * 500_000 + "1" + "}" * 500_000
    result = Flattener().flatten(payload)
    assert result.values == {}
    [(path, text)] = result.rescued.items()
    assert path == ".".join("a" * 17)
    assert text == '{"a":' * (500_000 - 17) + "1" + "}" * (500_000 - 17)


def test_a_payload_of_300_kb_comes_through():
    text = "ü" * 300_000
    assert Flattener().flatten(json.dumps({"a": text})).values == {"$.a": text}


# What one producer sends must not fill the memory of all topics. The first two once took the square of their
# length.
@pytest.mark.parametrize(
    "payload",
    [
        pytest.param(
            json.dumps({"a" * 50_000: {f"{n:x}": 1 for n in range(5_000)}}), id="a long name above many"
        ),
        pytest.param(
            "{"
            + ",".join(f'"\\ud{0x800 + n % 1024:x}\\ud{0x800 + n // 1024:x}":1' for n in range(5_000))
            + "}",
            id="names that differ in lone halves only",
        ),
        pytest.param(json.dumps({chr(0x4E00 + n): 1 for n in range(5_000)}), id="names that share a column"),
        pytest.param(
            json.dumps({"温" * 50_000: {f"{n:x}": 1 for n in range(5_000)}}, ensure_ascii=False),
            id="a long name above many, whose column would be short",
        ),
        pytest.param(json.dumps([{"a": {}}] * 10_000), id="an array"),
    ],
)
def test_a_payload_does_not_grow_by_its_square(payload):
    result = Flattener().flatten(payload)
    texts = [*result.values, *result.values.values(), *result.rescued, *result.rescued.values()]
    assert sum(len(text) for text in texts if text is not None) <= 2 * len(payload)


@pytest.mark.parametrize("text", [r'{"a":"\ud800"}', r'{"\udc00":1}', r'["\ud800"]', r"\ud800"])
def test_half_a_character_in_a_text_within_a_text_ends_nothing(text):
    """Its escape may be escaped itself, so that the outer text does not show it."""
    for payload in (json.dumps(text), json.dumps(text).replace("\\\\", "\\u005c")):
        raw = raw_batch([payload, '{"b":1}'])
        [batch] = flatten_batches(iter([raw]), "c1", {})
        assert batch.column("columns").null_count == 0


segments = st.lists(st.text(st.sampled_from("a.\\'"), max_size=3), min_size=1, max_size=20)


@given(segments, st.booleans())
def test_why_a_path_was_rescued_shows_in_the_part_that_is_kept(path, is_long):
    path = [*path, "x" * 3000] if is_long else path
    text = names.path_text(path)
    # The name above a path that flatten rescues for its depth is never too long.
    if len(path) > names.MAX_DEPTH:
        assert rescue_of(text[:MAX_PATH]) == TOO_DEEP
    else:
        assert rescue_of(text[:MAX_PATH]) == COLUMN_RESCUED


def raw_batch(payloads, topic="a.topic"):
    columns = {name: [None] * len(payloads) for name in RAW_COLUMNS}
    columns |= {"payload": payloads, "topic_name": [topic] * len(payloads)}
    columns["message_id"] = [str(n) for n in range(len(payloads))]
    return pa.RecordBatch.from_pydict(columns, pa.schema(list(RAW_COLUMNS.items())))


def test_rows_that_take_much_room_come_in_more_batches_and_are_the_same(monkeypatch):
    payloads = [json.dumps({f"k{n}": n, "text": "x" * (n % 7 * 100)}) for n in range(100)]
    raw = raw_batch([*payloads, "no json", None, *payloads])
    whole = list(flatten_batches(iter([raw]), "c1", {}))
    monkeypatch.setattr("lean_ops.payload.flatten_batches._MAX_BATCH_BYTES", 5_000)
    parts = list(flatten_batches(iter([raw]), "c1", {}))
    assert len(whole) == 1
    assert len(parts) > 10
    assert pa.Table.from_batches(parts).to_pylist() == pa.Table.from_batches(whole).to_pylist()


def test_names_agree_with_the_table_that_typescript_reads():
    shared = json.loads((REPOSITORY / "schemas" / "type-table.json").read_text("utf-8"))
    assert list(names.ENVELOPE_COLUMNS) == shared["envelope_columns"]
    assert set(names.RESERVED_COLUMNS) == set(shared["reserved_columns"])
    assert sorted(names.ENGINE_COLUMNS) == sorted(kept["name"] for kept in shared["engine_columns"])
    assert shared["latin_letters"] == names.LETTERS
    assert shared["limits"] == {
        "max_columns": 500,
        "max_depth": names.MAX_DEPTH,
        "max_column_name": names.MAX_COLUMN_NAME,
        "max_path_text": names.MAX_PATH_TEXT,
    }


@pytest.mark.parametrize("name", ["", "A", "1a", "a b", "a/b", "a`b", "a" * 129, "ä", "a\n", None])
def test_no_table_is_named_after_what_is_no_topic(name):
    assert not names.is_topic(name)
    with pytest.raises((ValueError, TypeError)):
        names.table_name(name)


def test_a_topics_table_has_its_name_with_underscores():
    assert names.table_name("telemetry.climate-v2") == "telemetry_climate_v2"
