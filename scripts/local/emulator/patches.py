"""Which of ministack's functions the local stack replaces, and with what.

ministack is pinned, so these names are there. When the pin moves, `missing` lists those that are not.
"""

import importlib
from dataclasses import dataclass
from typing import Any

from awscrt import checksums  # type: ignore[import-untyped]

from emulator.athena.engine import AthenaEngine, with_caller
from emulator.cloudwatch import (
    alarm_states,
    descriptions,
    embedded_metrics,
    execution_metrics,
    filter_patterns,
)
from emulator.events import eventbridge_rules, sqs_event_sources
from emulator.fault_injection.inject import FaultInjector, clear_start_time
from emulator.firehose import streams
from emulator.firehose.engine import FirehoseEngine, strict_put
from emulator.firehose.tables import TableWriter
from emulator.firehose.transform import Transform
from emulator.glue import catalog as glue_catalog
from emulator.glue import stepfunctions as stepfunctions_engine
from emulator.glue.engine import GlueEngine, keep_job_fields
from emulator.glue.table_versions import TableVersions, with_actions
from emulator.iam import regions as iam_regions
from emulator.iam import resources as iam_resources
from emulator.settings import Settings
from emulator.spark.client import SparkClient

USED: dict[str, tuple[str, ...]] = {
    "app": ("app", "AUTH", "SERVICE_HANDLERS"),
    "core.iam_actions": ("extract_resource_arn",),
    "core.iam_evaluator": (
        "enforce",
        "check_credentials",
        "AuthError",
        "parse_policy_document",
        "EvalResult",
        "resolve_credential",
        "CredentialResolutionError",
    ),
    "core.lambda_runtime": ("_lock", "_workers", "kill_workers", "Worker"),
    "core.responses": (
        "error_response_json",
        "json_response",
        "get_account_id",
        "get_region",
        "new_uuid",
        "set_request_account_id",
        "_request_account_id",
        "_request_region",
    ),
    "core.router": ("extract_access_key_id",),
    "services.athena": (
        "handle_request",
        "_start_query_execution",
        "_get_query_results",
        "_executions",
        "_workgroups",
    ),
    "services.cloudformation.provisioners": (
        "_CUSTOM_NAME_REPLACEMENT",
        f"_RESOURCE_HANDLERS[{streams.TYPE}]",
    ),
    "services.cloudwatch": (
        "_describe_alarms",
        "_p",
        "_xml",
        "_alarms",
        "_calc_stats",
        "_dims_key",
        "_dispatch_alarm_actions",
        "_evaluate_alarm",
        "_evaluate_all_alarms",
        "_evaluate_parent_alarms",
        "_metrics",
        "_record_history",
        "_stat_value",
        "record_metric",
    ),
    "services.cloudwatch_logs": (
        "_log_groups",
        "_create_log_group",
        "_create_log_stream",
        "_append_log_events",
        "_compile_filter_pattern",
    ),
    "services.eventbridge": ("_dispatch_event", "_dispatch_to_lambda"),
    "services.firehose": (
        "_deliver_to_iceberg",
        "_evaluate_prefix",
        "_s3_bucket_from_arn",
        "_streams",
        "_create_delivery_stream",
        "_update_destination",
        "_dest_description",
        "_HANDLERS[CreateDeliveryStream]",
        "_HANDLERS[UpdateDestination]",
        "_HANDLERS[PutRecord]",
        "_HANDLERS[PutRecordBatch]",
    ),
    "services.glue": (
        "_start_job_run",
        "_batch_stop_job_run",
        "_create_job",
        "_update_job",
        "_jobs",
        "_job_runs",
        "_tables",
        "_handle_request_sync",
        "_tags",
        "_arn",
        *glue_catalog.SERIALIZED,
    ),
    "services.iam": ("_roles",),
    "services.lambda_svc": (
        "_poll_sqs",
        "_run_sqs_batch",
        "_iter_all_esms",
        "_sqs_queue_name_from_arn_spec",
        "_get_func_record_for_qualifier",
        "_get_func_record_for_ref",
        "_esm_backoff_until",
        "_ESM_BACKOFF_SECONDS",
        "_esm_inflight",
        "_sqs_esm_concurrency",
        "_apply_filter_criteria",
        "_dispatch_esm_batch",
        "_sqs_message_attributes_to_camel_case",
        "_execute_function",
        "_emit_lambda_metrics",
        "_execution_record_for_config",
        "invoke_async_with_retry",
        "function_policy_for_arn",
        "_func_arn",
    ),
    "services.s3": ("_fire_s3_event", "_crc64nvme", "_crc32c"),
    "services.sqs": (
        "_queues",
        "_queues_lock",
        "_queue_url",
        "_expire_retained",
        "_dlq_sweep",
        "_ensure_msg_fields",
        "_receive_messages_for_esm",
        "_delete_messages_for_esm",
        "new_uuid",
    ),
    "services.stepfunctions": (
        "_SERVICE_DISPATCH",
        "_create_state_machine",
        "_update_state_machine",
        "_execute_task",
        "_call_lambda",
        "_state_machines",
        "_ExecutionError",
        "_emit_execution_status_event",
        "_iso_to_epoch_ms",
    ),
    "services.sts": ("register_session",),
}
"""The names that are replaced or called, by module. A name with a bracket is an entry of a dictionary."""


@dataclass(frozen=True, kw_only=True)
class Engines:
    """The parts of the emulator that keep running."""

    spark: SparkClient
    firehose: FirehoseEngine
    glue: GlueEngine
    athena: AthenaEngine
    faults: FaultInjector


def missing() -> list[str]:
    """The names of USED that this ministack does not have."""
    absent = []
    for module, names in USED.items():
        found = _module(module)
        for name in names:
            attribute, _, entry = name.partition("[")
            value = getattr(found, attribute, None)
            if value is None or (entry and entry.rstrip("]") not in value):
                absent.append(f"{module}.{name}")
    return absent


def install(settings: Settings) -> Engines:
    """Puts the engines into ministack. Call once, before it serves; check `missing` first."""
    spark = SparkClient(settings)
    firehose = FirehoseEngine(TableWriter(settings), Transform(settings.region))
    faults = FaultInjector()
    glue = GlueEngine(settings, spark, faults)
    athena = AthenaEngine(spark)
    _install_rights(settings.region, faults)
    _install_glue(glue, faults)
    _install_athena(athena)
    _install_checksums()
    _install_events()
    _install_firehose(firehose, faults)
    return Engines(spark=spark, firehose=firehose, glue=glue, athena=athena, faults=faults)


def _install_rights(region: str, faults: FaultInjector) -> None:
    actions, evaluator = _module("core.iam_actions"), _module("core.iam_evaluator")
    actions.extract_resource_arn = iam_resources.strict_resource(actions.extract_resource_arn)
    enforce = iam_resources.strict_enforce(evaluator.enforce, faults.denies)
    evaluator.enforce = iam_regions.in_region(enforce, region)
    evaluator.check_credentials = iam_regions.credentials_in_region(evaluator.check_credentials, region)
    evaluator.parse_policy_document = iam_resources.parsed_once(evaluator.parse_policy_document)


def _install_glue(engine: GlueEngine, faults: FaultInjector) -> None:
    glue, states = _module("services.glue"), _module("services.stepfunctions")
    versions = TableVersions()
    glue._update_table = versions.archiving(glue._update_table)
    glue._delete_table = versions.forgetting(glue._delete_table, lambda data: [data.get("Name", "")])
    glue._batch_delete_table = versions.forgetting(
        glue._batch_delete_table, lambda data: data.get("TablesToDelete", [])
    )
    for name in glue_catalog.SERIALIZED:
        setattr(glue, name, faults.catalog(glue_catalog.serialized(getattr(glue, name))))
    glue._update_table = faults.holding(glue._update_table)
    actions = {name: glue_catalog.serialized(handler) for name, handler in versions.actions().items()}
    glue._handle_request_sync = with_actions(glue._handle_request_sync, actions)
    glue._create_job = keep_job_fields(glue._create_job, "Name")
    glue._update_job = keep_job_fields(glue._update_job, "JobName")
    glue._start_job_run = engine.start_job_run
    glue._batch_stop_job_run = engine.stop_job_runs
    for name in ("_create_state_machine", "_update_state_machine"):
        setattr(states, name, stepfunctions_engine.keep_tracing(getattr(states, name)))
    states._execute_task = stepfunctions_engine.with_execution(states._execute_task)
    states._call_lambda = stepfunctions_engine.with_invoke_rights(states._call_lambda)
    put = "arn:aws:states:::events:putEvents"
    states._SERVICE_DISPATCH[put] = stepfunctions_engine.put_events(states._SERVICE_DISPATCH[put])
    states._SERVICE_DISPATCH["arn:aws:states:::glue:startJobRun"] = stepfunctions_engine.glue_task(engine)


def _install_athena(engine: AthenaEngine) -> None:
    athena = _module("services.athena")
    athena.handle_request = with_caller(athena.handle_request)
    athena._start_query_execution = engine.start_query_execution
    athena._get_query_results = engine.get_query_results


def _install_checksums() -> None:
    """Replaces the checksums of objects that come without one: ministack's Python takes 2 ms for 20 KB."""
    objects = _module("services.s3")
    objects._crc64nvme = checksums.crc64nvme
    objects._crc32c = checksums.crc32c


def _install_events() -> None:
    functions = _module("services.lambda_svc")
    functions._poll_sqs = sqs_event_sources.poll
    functions._run_sqs_batch = sqs_event_sources.run_batch
    cloudwatch, states = _module("services.cloudwatch"), _module("services.stepfunctions")
    cloudwatch._evaluate_alarm = alarm_states.evaluate
    cloudwatch._describe_alarms = alarm_states.evaluated_when_read(
        descriptions.complete(cloudwatch._describe_alarms)
    )
    changed = execution_metrics.with_metrics(states._emit_execution_status_event)
    states._emit_execution_status_event = changed
    logs = _module("services.cloudwatch_logs")
    logs._append_log_events = embedded_metrics.read_from_logs(logs._append_log_events)
    logs._compile_filter_pattern = filter_patterns.by_terms(logs._compile_filter_pattern)
    rules, objects = _module("services.eventbridge"), _module("services.s3")
    rules._dispatch_to_lambda = eventbridge_rules.dispatch_to_lambda
    rules._dispatch_event = eventbridge_rules.add_version(rules._dispatch_event)
    objects._fire_s3_event = eventbridge_rules.remember_version(objects._fire_s3_event)
    worker = _module("core.lambda_runtime").Worker
    worker._spawn = clear_start_time(worker._spawn)


def _install_firehose(engine: FirehoseEngine, faults: FaultInjector) -> None:
    firehose = _module("services.firehose")
    firehose._deliver_to_iceberg = engine.deliver
    for name in ("PutRecord", "PutRecordBatch"):
        firehose._HANDLERS[name] = strict_put(firehose._HANDLERS[name], engine, faults)
    firehose._create_delivery_stream = streams.strict_create(firehose._create_delivery_stream)
    firehose._update_destination = streams.strict_update(firehose._update_destination)
    firehose._HANDLERS["CreateDeliveryStream"] = firehose._create_delivery_stream
    firehose._HANDLERS["UpdateDestination"] = firehose._update_destination
    firehose._dest_description = streams.described(firehose._dest_description)
    provisioners = _module("services.cloudformation.provisioners")
    provisioners._CUSTOM_NAME_REPLACEMENT[streams.TYPE] = {
        "name": "DeliveryStreamName",
        "requires_replacement": streams.needs_replacement,
    }
    handlers = provisioners._RESOURCE_HANDLERS[streams.TYPE]
    handlers["create"] = streams.create_resource(handlers["create"])
    handlers["update"] = streams.update_resource(handlers["update"])


def _module(name: str) -> Any:
    return importlib.import_module(f"ministack.{name}")
