"""The messages of a batch that count as failed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.events.sqs_event_sources import failed_items

SENT = {"a", "b", "c"}


@pytest.mark.parametrize(
    "body", [None, "", {}, "null", {"batchItemFailures": []}, {"batchItemFailures": None}]
)
def test_an_empty_answer_acknowledges_everything(body: object) -> None:
    assert failed_items(body, SENT) == (set(), "")


@pytest.mark.parametrize(
    "body",
    [
        {"batchItemFailures": [{"itemIdentifier": "unknown"}]},
        {"batchItemFailures": [{"itemIdentifier": ""}]},
        {"batchItemFailures": [{"itemIdentifier": None}]},
        {"batchItemFailures": [{"wrong": "a"}]},
        {"batchItemFailures": [{"itemIdentifier": "a"}, {"itemIdentifier": "unknown"}]},
        {"batchItemFailures": "a"},
        "not json",
        [1],
    ],
)
def test_an_answer_that_cannot_be_trusted_fails_everything(body: object) -> None:
    failed, reason = failed_items(body, SENT)
    assert failed is None
    assert reason


@given(st.sets(st.sampled_from(sorted(SENT))))
def test_what_is_reported_fails_and_nothing_else(reported: set[str]) -> None:
    body = {"batchItemFailures": [{"itemIdentifier": key} for key in reported]}
    assert failed_items(body, SENT) == (reported, "")
