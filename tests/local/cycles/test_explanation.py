"""The expression by which a failed cycle says why, evaluated as the local stack's Step Functions do it."""

import json
import re
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
from ministack.services import stepfunctions

DEFINITION = Path(__file__).parents[3] / "modules/orchestration/definition.tf"
DENIED = "access denied writing lean_ops_ops.cycle_delta (role lean-ops-job-standardized: glue:UpdateTable)"
PLAN = {"cycle_id": "20261123T101500Z-1", "run": True}


def text_of(local: str) -> str:
    """A text of the definition, with those that stand in it."""
    found = re.search(rf"  {local} += <<-EOT\n(.*?)\n  EOT\n", DEFINITION.read_text(encoding="utf-8"), re.S)
    assert found is not None
    return re.sub(r"\$\{local\.(\w+)\}", lambda inner: text_of(inner[1]), dedent(found[1]))


def explain(failures: dict[str, Any]) -> dict[str, Any]:
    explained: dict[str, Any] = stepfunctions._evaluate_jsonata(
        text_of("explanation"), {"plan": PLAN, "failures": failures}, {}
    )
    assert explained["plan"] == PLAN
    return explained


def glue_run(message: str | None, state: str = "FAILED") -> dict[str, str]:
    """A run of a job as Step Functions hands it on."""
    run = {
        "AllocatedCapacity": 4,
        "Arguments": {"--cycle_id": "20261123T101500Z-1"},
        "JobName": "lean-ops-standardized",
        "JobRunState": state,
        **({} if message is None else {"ErrorMessage": message}),
        "StartedOn": 1764500000000,
    }
    return {"Error": "States.TaskFailed", "Cause": json.dumps(run)}


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (glue_run(f"SystemExit: {DENIED}"), DENIED),
        (glue_run(f"Error Category: PERMISSION_ERROR; SystemExit: {DENIED}"), DENIED),
        (
            glue_run('SystemExit: KeyError: a "name" with \\ and\ttabs'),
            'KeyError: a "name" with \\ and\ttabs',
        ),
        (glue_run(None, "TIMEOUT"), "the Glue run ended as TIMEOUT"),
        (glue_run("", "STOPPED"), "the Glue run ended as STOPPED"),
        (
            {
                "Error": "AccessDeniedException",
                "Cause": '{"errorType":"E","errorMessage":"not today","trace":[]}',
            },
            "not today",
        ),
        ({"Error": "Glue.EntityNotFoundException", "Cause": "no such job"}, "no such job"),
        ({"Error": "States.TaskFailed", "Cause": '{"ErrorMessage": "cut off'}, '{"ErrorMessage": "cut off'),
        ({"Error": "States.Timeout", "Cause": ""}, "it ran longer than it may"),
        ({"Error": "States.Timeout"}, "it ran longer than it may"),
        ({"Error": "States.HeartbeatTimeout"}, "States.HeartbeatTimeout"),
    ],
)
@pytest.mark.parametrize("step", ["Plan", "Standardized", "Curated", "ReleaseLease"])
def test_a_failure_is_said_in_words_with_its_step(step: str, error: dict[str, str], said: str) -> None:
    explained = explain({step: error})
    assert explained["error"] == {"Error": error["Error"], "Cause": f"{step} failed: {said}"}
    assert explained["step"] == step


def test_the_step_that_failed_first_is_named_and_not_what_followed_from_it() -> None:
    failures = {"Curated": glue_run("SystemExit: behind"), "Standardized": glue_run("SystemExit: first")}
    assert explain(failures)["error"]["Cause"] == "Standardized failed: first"
