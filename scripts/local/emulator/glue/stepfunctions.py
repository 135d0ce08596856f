"""Step Functions tasks as on AWS: they wait for Glue runs, and make calls with the state machine's role."""

import contextvars
import json
import time
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import botocore.session
from ministack.core.responses import get_account_id, get_region, new_uuid
from ministack.services import glue, lambda_svc, stepfunctions

from emulator.glue.engine import ACTIVE, GlueEngine
from emulator.iam.credentials import AccessDeniedError, Credentials, require, service_session
from emulator.responses import Response

_POLL_SECONDS = 0.2
_TIMES = ("StartedOn", "CompletedOn", "LastModifiedOn")
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


def keep_tracing(original: Callable[[dict[str, Any]], Response]) -> Callable[[dict[str, Any]], Response]:
    """Wraps CreateStateMachine or UpdateStateMachine so that a description says whether it traces."""

    def handler(data: dict[str, Any]) -> Response:
        response = original(data)
        arn = data.get("stateMachineArn") or json.loads(response[2]).get("stateMachineArn")
        machine = stepfunctions._state_machines.get(arn) if response[0] == 200 else None
        if machine is not None:
            known = machine.get("tracingConfiguration", {"enabled": False})
            machine["tracingConfiguration"] = data.get("tracingConfiguration", known)
        return response

    return handler


def with_invoke_rights(original: Callable[..., Any]) -> Callable[..., Any]:
    """Wraps ministack's Lambda task: the state machine's role must be allowed to invoke the function."""

    def call(reference: str, event: Any) -> Any:
        _, config, name = lambda_svc._get_func_record_for_ref(reference)
        if config:
            _require("lambda:InvokeFunction", lambda_svc._func_arn(name), "Lambda.AWSLambdaException")
        return original(reference, event)

    return call


def glue_task(engine: GlueEngine) -> Callable[[str, dict[str, Any]], Any]:
    """The integration `arn:aws:states:::glue:startJobRun`, with and without `.sync`."""

    def task(resource: str, given: dict[str, Any]) -> dict[str, Any]:
        name = given.get("JobName", "")
        arn = f"arn:aws:glue:{get_region()}:{get_account_id()}:job/{name}"
        _require("glue:StartJobRun", arn, "Glue.AccessDeniedException")
        status, _, body = engine.start_job_run(given)
        answer = json.loads(body)
        if status != 200:
            raise _refused(answer["__type"], answer.get("message", ""), status)
        if not resource.endswith(".sync"):
            return {"JobRunId": answer["JobRunId"]}
        _require("glue:GetJobRun", arn, "Glue.AccessDeniedException")
        run = _wait(engine, name, answer["JobRunId"])
        output = _task_output(run)
        if run["JobRunState"] != "SUCCEEDED":
            raise stepfunctions._ExecutionError("States.TaskFailed", json.dumps(output))
        return output

    return task


def put_events(original: Callable[[str, dict[str, Any]], Any]) -> Callable[[str, dict[str, Any]], Any]:
    """Wraps the integration `arn:aws:states:::events:putEvents`: the role must be allowed to put them, and a
    detail that is an object goes to the bus as text."""

    def task(resource: str, given: dict[str, Any]) -> Any:
        entries = []
        for entry in given.get("Entries", ()):
            bus = str(entry.get("EventBusName", "default")).rpartition("/")[2]
            arn = f"arn:aws:events:{get_region()}:{get_account_id()}:event-bus/{bus}"
            _require("events:PutEvents", arn, "EventBridge.AccessDeniedException")
            detail = entry.get("Detail", {})
            text = detail if isinstance(detail, str) else json.dumps(detail)
            entries.append({**entry, "Detail": text})
        return original(resource, {**given, "Entries": entries})

    return task


def _refused(code: str, message: str, status: int) -> Exception:
    """A refused start, as Step Functions names it.

    Its integration goes by the classes of AWS's SDK for Java: an error that the model of the call does not
    have, throttling among them, is one of the service's base class.
    https://repost.aws/knowledge-center/glue-throttling-rate-exceeded shows the name and the cause.
    """
    if code in _modelled_errors():
        return _error(f"Glue.{code}", message)
    cause = (
        f"{message} (Service: AWSGlue; Status Code: {status}; Error Code: {code}; "
        f"Request ID: {new_uuid()}; Proxy: null)"
    )
    return _error("Glue.AWSGlueException", cause)


def _error(name: str, cause: str) -> Exception:
    error: Exception = stepfunctions._ExecutionError(name, cause)
    return error


@lru_cache(maxsize=1)
def _modelled_errors() -> frozenset[str]:
    """The names of the errors in the model of StartJobRun."""
    model = botocore.session.get_session().get_service_model("glue").operation_model("StartJobRun")
    return frozenset(shape.name for shape in model.error_shapes)


def _wait(engine: GlueEngine, name: str, run_id: str) -> dict[str, Any]:
    """Waits for the run, and stops it when its execution is stopped. Returns ministack's record of it."""
    execution = _execution.get()
    run: dict[str, Any] = next(run for run in glue._job_runs[name] if run["Id"] == run_id)
    while run["JobRunState"] in ACTIVE:
        if execution is not None and execution["status"] != "RUNNING":
            engine.stop_job_runs({"JobName": name, "JobRunIds": [run_id]})
            break
        time.sleep(_POLL_SECONDS)
    return run


def _task_output(run: dict[str, Any]) -> dict[str, Any]:
    """The job run as the service integration returns it, with times in milliseconds."""
    return {
        key: int(value * 1000) if key in _TIMES and value else value
        for key, value in run.items()
        if value is not None
    }


def _require(action: str, resource: str, error: str) -> None:
    """Fails the task with `error` unless the state machine's role may do `action`."""
    session = _role_session()
    if session is None:
        return
    try:
        require(session, action, resource)
    except AccessDeniedError as denied:
        raise stepfunctions._ExecutionError(error, str(denied)) from denied


def _role_session() -> Credentials | None:
    execution = _execution.get()
    machine = stepfunctions._state_machines.get((execution or {}).get("stateMachineArn", ""))
    if execution is None or machine is None:
        return None
    try:
        return service_session(machine["roleArn"], "states.amazonaws.com", execution["name"])
    except AccessDeniedError as denied:
        raise stepfunctions._ExecutionError("States.Runtime", str(denied)) from denied
