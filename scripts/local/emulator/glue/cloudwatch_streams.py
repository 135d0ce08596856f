"""Writes to the emulator's CloudWatch Logs as a service does: in process, if the role may."""

import time

from ministack.core.responses import get_account_id, get_region
from ministack.services import cloudwatch_logs as logs

from emulator.iam.credentials import AccessDeniedError, Credentials, require


def may_write(session: Credentials, group: str) -> bool:
    """Whether the role may write to the group. On AWS a role without these rights just leaves no log."""
    resource = f"arn:aws:logs:{get_region()}:{get_account_id()}:log-group:{group}"
    try:
        for action in ("logs:CreateLogStream", "logs:PutLogEvents"):
            require(session, action, f"{resource}:log-stream:*")
    except AccessDeniedError:
        return False
    return True


def write(group: str, stream: str, lines: list[str]) -> None:
    """Appends lines, and creates the group and the stream when they are missing.

    An empty line becomes a space, as on AWS.
    """
    now = int(time.time() * 1000)
    if group not in logs._log_groups:
        logs._create_log_group({"logGroupName": group})
    found = logs._log_groups[group]
    if stream not in found["streams"]:
        logs._create_log_stream({"logGroupName": group, "logStreamName": stream})
    events = [{"timestamp": now, "message": line or " ", "ingestionTime": now} for line in lines]
    logs._append_log_events(found["streams"][stream], events)
