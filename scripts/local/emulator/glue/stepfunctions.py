"""Step Functions tasks as on AWS: Glue runs that are waited for, and every call made with the state machine's
role.
"""

import contextvars
import json
import time
from collections.abc import Callable
from typing import Any

from ministack.core.responses import get_account_id, get_region
from ministack.services import glue, lambda_svc, stepfunctions

from emulator.glue.engine import ACTIVE, GlueEngine
from emulator.iam.credentials import AccessDenied, Credentials, require, service_session

_POLL_SECONDS = 0.2
_execution: contextvars.ContextVar[dict[str, Any] | None] = contextvars.ContextVar("execution", default=None)


def with_execution(original: Callable[..., Any]) -> Callable[..., Any]:
    """Wraps ministack's task runner, so that the integrations know whose execution they work for."""

    def execute(
        state: dict[str, Any], raw_input: Any, execution: dict[str, Any], context: dict[str, Any]
    ) -> Any:
        token = _execution.set(execution)
        try:
            return original(state, raw_input, execution, context)
        finally:
            _execution.reset(token)

    return execute


def with_invoke_rights(original: Callable[..., Any]) -> Callable[..., Any]:
    """Wraps ministack's Lambda task: the state machine's role must be allowed to invoke the function."""

    def call(reference: str, event: Any) -> Any:
        _, config, name = lambda_svc._get_func_record_for_ref(reference)
        if config:
            _need("lambda:InvokeFunction", lambda_svc._func_arn(name), "Lambda.AWSLambdaException")
        return original(reference, event)

    return call


def glue_task(engine: GlueEngine) -> Callable[[str, dict[str, Any]], Any]:
    """`arn:aws:states:::glue:startJobRun` with and without `.sync`."""

    def task(resource: str, given: dict[str, Any]) -> dict[str, Any]:
        name = given.get("JobName", "")
        arn = f"arn:aws:glue:{get_region()}:{get_account_id()}:job/{name}"
        _need("glue:StartJobRun", arn, "Glue.AccessDeniedException")
        status, _, body = engine.start_job_run(given)
        answer = json.loads(body)
        if status != 200:
            raise stepfunctions._ExecutionError(f"Glue.{answer['__type']}", answer.get("message", ""))
        if not resource.endswith(".sync"):
            return {"JobRunId": answer["JobRunId"]}
        _need("glue:GetJobRun", arn, "Glue.AccessDeniedException")
        run = _wait(engine, name, answer["JobRunId"])
        shown = _shown(run)
        if run["JobRunState"] != "SUCCEEDED":
            raise stepfunctions._ExecutionError("States.TaskFailed", json.dumps(shown))
        return shown

    return task


def _wait(engine: GlueEngine, name: str, run_id: str) -> dict[str, Any]:
    """An execution that is stopped stops its run."""
    execution = _execution.get()
    run: dict[str, Any] = next(run for run in glue._job_runs[name] if run["Id"] == run_id)
    while run["JobRunState"] in ACTIVE:
        if execution is not None and execution["status"] != "RUNNING":
            engine.stop_job_runs({"JobName": name, "JobRunIds": [run_id]})
            break
        time.sleep(_POLL_SECONDS)
    return run


def _shown(run: dict[str, Any]) -> dict[str, Any]:
    """The job run as the service integration returns it: times in milliseconds."""
    times = ("StartedOn", "CompletedOn", "LastModifiedOn")
    return {
        key: int(value * 1000) if key in times and value else value
        for key, value in run.items()
        if value is not None
    }


def _need(action: str, resource: str, error: str) -> None:
    session = _role_session()
    if session is None:
        return
    try:
        require(session, action, resource)
    except AccessDenied as denied:
        raise stepfunctions._ExecutionError(error, str(denied)) from denied


def _role_session() -> Credentials | None:
    execution = _execution.get()
    machine = stepfunctions._state_machines.get((execution or {}).get("stateMachineArn", ""))
    if execution is None or machine is None:
        return None
    try:
        return service_session(machine["roleArn"], "states.amazonaws.com", execution["name"])
    except AccessDenied as denied:
        raise stepfunctions._ExecutionError("States.Runtime", str(denied)) from denied
