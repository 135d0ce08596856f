import json
import time

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lean_ops.columns import names
from lean_ops.columns.column_paths import by_column
from lean_ops.payload.flatten import Flattener
from lean_ops.payload.flatten_batches import RAW_COLUMNS, flatten_batches
from lean_ops.payload.json_text import InvalidJsonError, parse
from lean_ops.payload.opaque import OpaqueReader, Verbatim


def flat(payload, *columns):
    """The texts of a payload by column, with these columns kept as sent."""
    result = Flattener().flatten(payload, OpaqueReader(columns).read)
    return by_column(result.values.items(), {})[0]


@pytest.mark.parametrize(
    ("payload", "columns", "expected"),
    [
        (
            '{"raw": { "b" : 1.10,\n\t"c":[ ] } , "a":1}',
            ["raw"],
            {"raw": '{ "b" : 1.10,\n\t"c":[ ] }', "a": "1"},
        ),
        ('{"raw":{ }}', ["raw"], {"raw": "{ }"}),
        ('{"raw":[ 1, 1.0 ]}', ["raw"], {"raw": "[ 1, 1.0 ]"}),
        ('{"raw":"{ }","n":null}', ["raw", "n"], {"raw": "{ }", "n": None}),
        ('{"raw":1e400}', ["raw"], {"raw": "1e400"}),
        ('{"m":{"raw":{"x": 1},"y":{"z": 2}}}', ["m__raw"], {"m__raw": '{"x": 1}', "m__y__z": "2"}),
        ('{"m__raw":{"x": 1}}', ["m__raw"], {"m__raw": '{"x": 1}'}),
        ('{"m":5}', ["m__raw"], {"m": "5"}),
        ('{"raw":{"x": 1},"raw":{"y": 2}}', ["raw"], {"raw": '{"y": 2}'}),
        ('{"raw":{"a":1,"a": 2}}', ["raw"], {"raw": '{"a":1,"a": 2}'}),
        ('{"Raw":{"x": 1}}', ["raw"], {"raw": '{"x": 1}'}),
        ('{"message_id":{"x": 1}}', ["payload__message_id"], {"payload__message_id": '{"x": 1}'}),
        ('{"温度":{"é": "ü\\u0041"}}', ["u6e29u5ea6"], {"u6e29u5ea6": '{"é": "ü\\u0041"}'}),
        ('{"raw":{"half":"\\ud800"}}', ["raw"], {"raw": '{"half":"\\ud800"}'}),
        (" [ 1 ] ", ["value"], {"value": "[ 1 ]"}),
        ("[ 1 ]", ["raw"], {"value": "[1]"}),
        ('{"value": { "a":1}}', ["value"], {"value": '{ "a":1}'}),
        ('"{\\"raw\\":{ \\"x\\":1}}"', ["raw"], {"raw": '{ "x":1}'}),
        ('\ufeff{"raw":{ "x":1}}', ["raw"], {"raw": '{ "x":1}'}),
    ],
)
def test_an_opaque_object_is_one_text_as_it_was_sent(payload, columns, expected):
    assert flat(payload, *columns) == expected


def test_an_opaque_path_and_its_rival_do_not_meet():
    result = Flattener().flatten('{"Raw": {"x": 1}, "raw": {"y": 2}}', OpaqueReader(["raw"]).read)
    assert by_column(result.values.items(), {}) == ({"raw": '{"y": 2}'}, {"Raw": '{"x": 1}'})


def test_ten_thousand_ids_as_keys_make_one_column():
    payloads = [f'{{"readings":{{"id-{n}": {{"v": {n}}}}},"at":{n}}}' for n in range(10_000)]
    flattener, reader = Flattener(), OpaqueReader(["readings"])
    results = [flattener.flatten(one, reader.read) for one in payloads]
    assert {path for one in results for path in one.values} == {"$.readings", "$.at"}
    assert results[7].values["$.readings"] == '{"id-7": {"v": 7}}'
    assert flattener._cached == reader._cached == 2


def test_keys_without_end_beside_an_opaque_object_do_not_fill_the_memory(monkeypatch):
    monkeypatch.setattr("lean_ops.payload.opaque._MAX_CACHED_SPOTS", 10)
    reader = OpaqueReader(["k50__raw", "k50__x__raw"])
    for n in range(100):
        texts = parse(f'{{"k{n}":{{"raw": {{"n":{n}}},"x":{{"raw":[ {n}]}}}}}}')
        read = reader.read(f'{{"k{n}":{{"raw": {{"n":{n}}},"x":{{"raw":[ {n}]}}}}}}')
        assert read == (texts if n != 50 else {"k50": {"raw": '{"n":50}', "x": {"raw": "[ 50]"}}})
        assert reader._cached <= 11


keys = st.sampled_from(["a", "A", "b", "a__b", "é", "message_id", "1", "", "a.b", '"'])
leaves = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5)
)
values = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=4),
    max_leaves=15,
)
spaced = st.sampled_from([(",", ":"), (" ,\n", " : "), (",\t", ":\r\n")])
opaque = st.sets(
    st.lists(keys, min_size=1, max_size=3).map(names.column_name) | st.just("value"), min_size=1, max_size=4
)
broken = st.text(alphabet='{}[]",:019.eE+-\\utrnfalseab \n\u0001', max_size=30)


def without_kept(value, path, columns):
    """The plain model: the value with None in place of each object or array that is kept."""
    if path and isinstance(value, dict | list) and names.column_name(path) in columns:
        return None
    if isinstance(value, dict):
        return {name: without_kept(inner, (*path, name), columns) for name, inner in value.items()}
    return value


def without_texts(value, texts):
    """The value that was read, with None in place of each text that was kept, which goes to the list."""
    if isinstance(value, Verbatim):
        texts.append(value)
        return None
    if isinstance(value, dict):
        return {name: without_texts(inner, texts) for name, inner in value.items()}
    return value


@given(values, spaced, opaque)
def test_what_is_read_is_the_value_with_slices_of_the_text_in_it(value, separators, columns):
    text = json.dumps(value, separators=separators, ensure_ascii=False)
    texts = []
    read = without_texts(OpaqueReader(columns).read(text), texts)
    root = ("value",) if isinstance(value, list) else ()
    assert read == without_kept(parse(text), root, columns)
    for kept in texts:
        assert kept in text
        assert json.dumps(json.loads(kept), separators=separators, ensure_ascii=False) == kept


@given(values, opaque, broken, st.integers(0, 60))
def test_it_refuses_what_parse_refuses_in_the_same_words(value, columns, junk, at):
    text = json.dumps(value)
    for one in (junk, text[:at] + junk + text[at:], '{"a":' + junk):
        assert outcome(OpaqueReader(columns).read, one) == outcome(parse, one)


def outcome(read, text):
    try:
        read(text)
    except InvalidJsonError as error:
        return str(error)
    return "read"


@pytest.mark.parametrize("kind", ["kept", "beside"])
def test_depth_without_end_is_kept_or_read_beside(kind):
    deep = '{"a": ' * 300_000 + "1" + " }" * 300_000
    started = time.monotonic()
    result = flat(f'{{"raw":{deep if kind == "kept" else "{ }"},"b":{deep}}}', "raw")
    assert result["raw"] == (deep if kind == "kept" else "{ }")
    assert time.monotonic() - started < 30


def test_each_topic_has_its_own_opaque_columns():
    rows = [{"topic_name": topic, "payload": '{"raw":{"x": 1}}'} for topic in ("a", "b", "a", "c")]
    raw = pa.RecordBatch.from_pylist(
        [dict.fromkeys(RAW_COLUMNS) | one for one in rows], schema=pa.schema(RAW_COLUMNS.items())
    )
    kept = {"a": frozenset({"raw"}), "c": frozenset({"other"})}
    [batch] = flatten_batches(iter([raw]), "c1", {}, kept)
    assert [dict(one) for one in batch.column("columns").to_pylist()] == [
        {"$.raw": '{"x": 1}'},
        {"$.raw.x": "1"},
        {"$.raw": '{"x": 1}'},
        {"$.raw.x": "1"},
    ]
