"""Athena's API: translates statements, runs them with their caller's rights, and writes results to S3."""

import contextvars
import logging
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from botocore.exceptions import ClientError
from ministack.core.responses import get_account_id, get_region, new_uuid
from ministack.core.router import extract_access_key_id
from ministack.services import athena

from emulator.athena import catalog as athena_catalog
from emulator.athena import results as athena_results
from emulator.athena.errors import SYSTEM, USER, MalformedQueryError, QueryFailedError
from emulator.athena.sql import Plan, plan
from emulator.athena.text import read_text
from emulator.errors import EmulatorError
from emulator.iam.credentials import AccessDeniedError, Credentials, caller_session, require
from emulator.responses import Response, answer, refusal
from emulator.spark.client import SparkClient

logger = logging.getLogger("lean_ops.athena")

_THREADS = 8
_MAX_REASON_CHARS = 2000
_caller: contextvars.ContextVar[str] = contextvars.ContextVar("athena_caller", default="test")


def with_caller(original: Any) -> Any:
    """Wraps ministack's Athena handler, so that a query knows whose it is."""

    async def handle(
        method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]
    ) -> Any:
        _caller.set(extract_access_key_id(headers, query) or "test")
        return await original(method, path, headers, body, query)

    return handle


class AthenaEngine:
    """Replaces StartQueryExecution and GetQueryResults; ministack's records of executions stay."""

    def __init__(self, spark: SparkClient) -> None:
        self._spark = spark
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="athena")
        self._running: set[str] = set()

    @property
    def running(self) -> int:
        return len(self._running)

    def start_query_execution(self, data: dict[str, Any]) -> Response:
        query, group = data.get("QueryString", ""), data.get("WorkGroup", "primary")
        found = athena._workgroups.get(group)
        if found is None:
            return _invalid(f"WorkGroup {group} is not found.")
        if found.get("State") == "DISABLED":
            return _invalid(f"WorkGroup {group} is disabled.")
        location = _output_location(data, found)
        if not location:
            return _invalid(
                "No output location provided. An output location is required either through the Workgroup "
                "result configuration setting or as an API input."
            )
        if (known := self._repeated(data.get("ClientRequestToken"), query)) is not None:
            return answer({"QueryExecutionId": known})
        context = data.get("QueryExecutionContext") or {}
        database = context.get("Database", "default")
        failure: QueryFailedError | None = None
        planned: Plan | None = None
        try:
            planned = plan(query, database)
        except MalformedQueryError as error:
            return _invalid(str(error), "MALFORMED_QUERY")
        except QueryFailedError as error:
            failure = error
        execution = _new_execution(data, query, group, location, database)
        athena._executions[execution["QueryExecutionId"]] = execution
        run = contextvars.copy_context()
        self._pool.submit(run.run, self._run, execution, planned, failure, _caller.get())
        return answer({"QueryExecutionId": execution["QueryExecutionId"]})

    def _repeated(self, token: str | None, query: str) -> str | None:
        """The id of an earlier query with the same ClientRequestToken and text, which is the same query."""
        if not token:
            return None
        for key, execution in list(athena._executions.items()):
            if execution.get("_token") == token and execution["Query"] == query:
                return str(key)
        return None

    def _run(
        self,
        execution: dict[str, Any],
        planned: Plan | None,
        failure: QueryFailedError | None,
        access_key: str,
    ) -> None:
        status = execution["Status"]
        if status["State"] == "CANCELLED":
            return
        started = time.time()
        status["State"] = "RUNNING"
        self._running.add(execution["QueryExecutionId"])
        reason, category, retryable = "", SYSTEM, False
        result: dict[str, Any] = {"columns": [], "rows": []}
        try:
            if failure is not None or planned is None:
                raise failure or QueryFailedError("GENERIC_INTERNAL_ERROR: nothing to run")
            session = caller_session(access_key)
            result = self._execute(planned, session)
            athena_results.save(session, execution, result)
        except EmulatorError as error:
            reason, category = str(error), getattr(error, "category", None) or SYSTEM
            retryable = getattr(error, "retryable", False)
        except ClientError as error:
            reason = athena_catalog.client_error(error)
            category = USER if reason.startswith("PERMISSION_DENIED") else SYSTEM
        except Exception as error:
            logger.exception("query %s", execution["QueryExecutionId"])
            reason = f"GENERIC_INTERNAL_ERROR: {error}"
        finally:
            self._running.discard(execution["QueryExecutionId"])
        milliseconds = int((time.time() - started) * 1000)
        execution["Statistics"].update(
            EngineExecutionTimeInMillis=milliseconds, TotalExecutionTimeInMillis=milliseconds
        )
        execution["_result"] = result
        if status["State"] == "CANCELLED":
            return
        reason = reason[:_MAX_REASON_CHARS]
        status.update(CompletionDateTime=time.time(), StateChangeReason=reason)
        if reason:
            status["AthenaError"] = {
                "ErrorCategory": category,
                "ErrorMessage": reason,
                "Retryable": retryable,
            }
        # The state comes last: whoever polls must see the end only when everything else is there.
        status["State"] = "FAILED" if reason else "SUCCEEDED"

    def _execute(self, planned: Plan, session: Credentials) -> dict[str, Any]:
        _look_up_default(session)
        for table in planned.tables:
            athena_catalog.check_table(session, table)
        if planned.verb in athena_catalog.VERBS:
            return athena_catalog.run(session, planned)
        if planned.verb in ("create_table", "ctas", "drop_table") and athena_catalog.is_settled(
            session, planned
        ):
            return {"columns": [], "rows": []}
        arguments = {
            "verb": planned.verb,
            "sql": planned.sql,
            "details": planned.details,
            "credentials": session.as_json(),
        }
        return self._spark.request("athena", arguments)

    def get_query_results(self, data: dict[str, Any]) -> Response:
        execution = athena._executions.get(data.get("QueryExecutionId", ""))
        if execution is None:
            return _invalid(f"QueryExecution {data.get('QueryExecutionId')} was not found")
        state = execution["Status"]["State"]
        if state in ("FAILED", "CANCELLED"):
            return _invalid(f"Query did not finish successfully. Final query state: {state}")
        if state != "SUCCEEDED":
            return _invalid(f"Query has not yet finished. Current state: {state}")
        return answer(athena_results.page(execution, data))


def _look_up_default(session: Credentials) -> None:
    """With the caller's rights Athena looks up the database `default` first, or makes it.

    https://docs.aws.amazon.com/athena/latest/ug/fine-grained-access-to-glue-resources.html
    """
    default = f"arn:aws:glue:{get_region()}:{get_account_id()}:database/default"
    for action in ("glue:GetDatabase", "glue:CreateDatabase"):
        try:
            require(session, action, default)
        except AccessDeniedError as error:
            raise QueryFailedError(
                f"PERMISSION_DENIED: Insufficient permissions to execute the query. {error}"
            ) from error


def _output_location(data: dict[str, Any], group: dict[str, Any]) -> str:
    configuration = group.get("Configuration") or {}
    own = (configuration.get("ResultConfiguration") or {}).get("OutputLocation", "")
    requested = (data.get("ResultConfiguration") or {}).get("OutputLocation", "")
    enforced = own and configuration.get("EnforceWorkGroupConfiguration", True)
    location: str = own if enforced else requested or own
    return location if not location or location.endswith("/") else location + "/"


def _new_execution(
    data: dict[str, Any], query: str, group: str, location: str, database: str
) -> dict[str, Any]:
    key = new_uuid()
    text = read_text(query)
    suffix = "csv" if text.statement_type == "DML" else "txt"
    return {
        "QueryExecutionId": key,
        "Query": query,
        "StatementType": text.statement_type,
        "SubstatementType": text.verb,
        "ResultConfiguration": {"OutputLocation": f"{location}{key}.{suffix}"},
        "QueryExecutionContext": {"Database": database, "Catalog": "awsdatacatalog"},
        "Status": {"State": "QUEUED", "SubmissionDateTime": time.time(), "StateChangeReason": ""},
        "Statistics": {
            "EngineExecutionTimeInMillis": 0,
            "DataScannedInBytes": 0,
            "TotalExecutionTimeInMillis": 0,
        },
        "WorkGroup": group,
        "EngineVersion": {
            "SelectedEngineVersion": "Athena engine version 3",
            "EffectiveEngineVersion": "Athena engine version 3",
        },
        "_token": data.get("ClientRequestToken"),
        "_account": get_account_id(),
    }


def _invalid(message: str, code: str = "INVALID_INPUT") -> Response:
    return refusal("InvalidRequestException", message, AthenaErrorCode=code)
