"""The log: one line of JSON for each event on standard output, where Glue's continuous logging and the local
stack read it."""

import json
import sys
from datetime import UTC, datetime
from typing import Any


def logger(job: str, cycle_id: str | None = None) -> Any:
    """Returns a function log(message, level="INFO", **fields). The fields must never hold payloads."""

    def log(message: str, level: str = "INFO", **fields: Any) -> None:
        line = {
            "timestamp": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": level,
            "service": job,
            "message": message,
            **({"cycle_id": cycle_id} if cycle_id else {}),
            **fields,
        }
        sys.stdout.write(json.dumps(line, ensure_ascii=False, default=str) + "\n")
        sys.stdout.flush()

    return log
