"""Operations as items, and the arguments of their job."""

import pytest

from lean_ops.bookkeeping.operation import OperationError, read_operation
from lean_ops.ports.job_arguments import ArgumentError, parse_operation_arguments

ITEM = {
    "operation_id": "20261130T062500Z-hold-ab12cd",
    "kind": "hold",
    "topic": "telemetry.climate",
    "state": "RUNNING",
    "step": "DRAINED",
    "requested_by": "arn:aws:iam::123456789012:user/kim",
    "reason": "merge two sites",
    "plan": {"epoch": 2},
    "requested_at": "2026-11-30T06:25:00.000Z",
}


def test_it_reads_an_item_without_the_attributes_that_come_later():
    found = read_operation(ITEM)
    assert found is not None
    assert (found.kind, found.topic, found.plan) == ("hold", "telemetry.climate", {"epoch": 2})
    assert (found.counts, found.ended_at, found.error, found.recorded_state) == ({}, None, None, "")


def test_a_lock_is_no_operation():
    assert read_operation({"operation_id": "topic#telemetry.climate", "holder": "x"}) is None


@pytest.mark.parametrize("lacking", ["operation_id", "kind", "topic", "state", "step", "requested_at"])
def test_an_item_that_lacks_what_every_operation_has_is_refused(lacking):
    with pytest.raises(OperationError, match="lacks"):
        read_operation({name: value for name, value in ITEM.items() if name != lacking})


@pytest.mark.parametrize(
    ("more", "lacks_row"),
    [
        ({"state": "RUNNING"}, False),
        ({"state": "FAILED"}, False),
        ({"state": "CANCELLED"}, True),
        ({"state": "DONE"}, True),
        ({"state": "DONE", "recorded": True, "recorded_state": "DONE"}, False),
        # It was cancelled after its job had recorded it as done.
        ({"state": "CANCELLED", "recorded": True, "recorded_state": "DONE"}, True),
        ({"state": "CANCELLED", "recorded": True, "recorded_state": "CANCELLED"}, False),
    ],
)
def test_a_row_is_lacking_until_it_says_how_the_operation_ended(more, lacks_row):
    found = read_operation({**ITEM, **more})
    assert found is not None
    assert found.lacks_row is lacks_row


def test_the_arguments_of_the_job():
    given = {
        "operation_id": ITEM["operation_id"],
        "database_prefix": "lean_ops",
        "operations_table": "operations",
        "registry_table": "registry",
        "checkpoint_table": "checkpoints",
    }
    argv = [word for name, value in given.items() for word in (f"--{name}", value)]
    found = parse_operation_arguments([*argv, "--JOB_NAME", "operation", "--rewind_window_days", "7"])
    assert found.rewind_window_days == 7
    assert {name: getattr(found, name) for name in given} == given
    with pytest.raises(ArgumentError, match=r"--operation_id is .hold..*--registry_table is missing"):
        parse_operation_arguments(["--operation_id", "hold", *argv[2:6], *argv[8:]])
