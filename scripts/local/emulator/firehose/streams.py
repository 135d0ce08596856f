"""Making and changing delivery streams, by the API and by CloudFormation, as strictly as AWS.

ministack keeps whatever settings it is given. Here they are held to the service's own model, and what can be
chosen only when a stream is made cannot be changed later:

https://docs.aws.amazon.com/firehose/latest/dev/apache-iceberg-considerations.html
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-kinesisfirehose-deliverystream.html
"""

import json
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

import botocore.session
from botocore.model import ListShape, Shape, StructureShape
from botocore.validate import ParamValidator
from ministack.services import firehose

from emulator.errors import EmulatorError
from emulator.firehose.errors import SERVICE
from emulator.iam.credentials import AccessDeniedError, service_session
from emulator.responses import Response, refusal

TYPE = "AWS::KinesisFirehose::DeliveryStream"

_ICEBERG = "IcebergDestinationConfiguration"
_MOST = {
    "IntervalInSeconds": 900,
    "SizeInMBs": 128,
    "DurationInSeconds": 7200,
}
"""The most that numbers may be, which botocore's model has and its validator does not check."""
_API_NAMES = {"CatalogArn": "CatalogARN", "s3BackupMode": "S3BackupMode"}
"""Names of CloudFormation's that the API writes in another way."""
_CREATE_ONLY = (
    "DeliveryStreamType",
    "DirectPutSourceConfiguration",
    "KinesisStreamSourceConfiguration",
    "MSKSourceConfiguration",
    "DatabaseSourceConfiguration",
)

Handler = Callable[[dict[str, Any]], Response]
Describe = Callable[[dict[str, Any]], dict[str, Any]]


class StreamError(EmulatorError):
    """CloudFormation's reason why it cannot make or change a stream."""


def strict_create(original: Handler) -> Handler:
    """Wraps CreateDeliveryStream."""

    def create(data: dict[str, Any]) -> Response:
        problem = _problem("CreateDeliveryStream", data)
        if problem:
            return refusal("InvalidArgumentException", problem)
        role = (data.get(_ICEBERG) or {}).get("RoleARN")
        if role:
            try:
                service_session(role, SERVICE, data["DeliveryStreamName"])
            except AccessDeniedError:
                return refusal(
                    "InvalidArgumentException",
                    f"Firehose is unable to assume role {role}. Please check the role provided.",
                )
        return original(data)

    return create


def strict_update(original: Handler) -> Handler:
    """Wraps UpdateDestination."""

    def update(data: dict[str, Any]) -> Response:
        problem = _problem("UpdateDestination", data)
        if problem:
            return refusal("InvalidArgumentException", problem)
        asked = data.get("IcebergDestinationUpdate") or {}
        stream = firehose._streams.get(data["DeliveryStreamName"]) or {"destinations": []}
        for destination in stream["destinations"]:
            chosen = destination["config"].get("AppendOnly", False)
            if asked.get("AppendOnly", chosen) != chosen:
                return refusal(
                    "InvalidArgumentException", "AppendOnly can be chosen only when a stream is made."
                )
        return original(data)

    return update


def described(
    original: Callable[[dict[str, Any]], dict[str, Any]],
) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Wraps the description of a destination, in which ministack shows the request as it was."""

    def describe(destination: dict[str, Any]) -> dict[str, Any]:
        found = original(destination)
        config = found.get("IcebergDestinationDescription")
        if config is None:
            return found
        rest = {name: value for name, value in config.items() if name != "S3Configuration"}
        return {
            **found,
            "IcebergDestinationDescription": {
                "AppendOnly": False,
                **rest,
                "S3DestinationDescription": config.get("S3Configuration", {}),
            },
        }

    return describe


# CloudFormation


def needs_replacement(old: dict[str, Any], new: dict[str, Any]) -> bool:
    """Whether a property changed that CloudFormation can only set when it makes a stream."""
    catalogs = [(properties.get(_ICEBERG) or {}).get("CatalogConfiguration") for properties in (old, new)]
    return catalogs[0] != catalogs[1] or any(old.get(name) != new.get(name) for name in _CREATE_ONLY)


def create_resource(original: Callable[..., Any]) -> Callable[..., Any]:
    def create(logical_id: str, properties: dict[str, Any], stack_name: str) -> Any:
        return original(logical_id, _as_api(properties), stack_name)

    return create


def update_resource(original: Callable[..., Any]) -> Callable[..., Any]:
    """Wraps the update, in which ministack makes a new destination where AWS changes the old one."""

    def update(physical_id: str, old: dict[str, Any], new: dict[str, Any], stack_name: str) -> Any:
        if old.get("DeliveryStreamName") != new.get("DeliveryStreamName") or _ICEBERG not in new:
            return original(physical_id, _as_api(old), _as_api(new), stack_name)
        stream = firehose._streams[physical_id]
        if old.get(_ICEBERG) != new[_ICEBERG]:
            request = {
                "DeliveryStreamName": physical_id,
                "CurrentDeliveryStreamVersionId": str(stream["version"]),
                "DestinationId": stream["destinations"][0]["id"],
                "IcebergDestinationUpdate": _as_api(new[_ICEBERG]),
            }
            status, _, body = firehose._update_destination(request)
            if status >= 400:
                raise StreamError(str(json.loads(body).get("message", body)))
        encryption = new.get("DeliveryStreamEncryptionConfigurationInput")
        stream["encryption"] = None if encryption is None else {"Status": "ENABLED", **encryption}
        return physical_id, {"Arn": stream["arn"]}

    return update


def _as_api(properties: Any) -> Any:
    """The properties as the API names them.

    Raises StreamError for a name of the API's that CloudFormation does not know.
    """
    if isinstance(properties, list):
        return [_as_api(item) for item in properties]
    if not isinstance(properties, dict):
        return properties
    for name in _API_NAMES.values():
        if name in properties:
            raise StreamError(f"Properties validation failed: extraneous key [{name}] is not permitted")
    return {_API_NAMES.get(name, name): _as_api(value) for name, value in properties.items()}


# The service's model


@lru_cache(maxsize=1)
def _model() -> Any:
    return botocore.session.Session().get_service_model("firehose")


def _problem(operation: str, data: dict[str, Any]) -> str:
    """What of a request the service's model does not allow; empty when nothing."""
    shape = _model().operation_model(operation).input_shape
    report = ParamValidator().validate(data, shape)
    if report.has_errors():
        return str(report.generate_report())
    return "; ".join(_beyond(shape, data, operation))


def _beyond(shape: Shape, value: Any, path: str) -> Iterator[str]:
    """The values that are of the right type and all the same not allowed."""
    if isinstance(shape, StructureShape):
        for name, inner in value.items():
            yield from _beyond(shape.members[name], inner, f"{path}.{name}")
    elif isinstance(shape, ListShape):
        for item in value:
            yield from _beyond(shape.member, item, path)
    elif getattr(shape, "enum", None) and value not in shape.enum:
        yield f"{path} is {value!r}, and must be one of {', '.join(shape.enum)}"
    elif value and shape.type_name == "integer" and value > _MOST.get(path.rsplit(".", 1)[-1], value):
        yield f"{path} is {value}, and may be {_MOST[path.rsplit('.', 1)[-1]]} at most"
