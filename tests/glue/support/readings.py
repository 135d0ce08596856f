"""A topic of readings with its schema, and payloads that it takes."""

TOPIC = "telemetry.climate"
TABLE = "curated.telemetry_climate"
SCHEMA = {
    "device": {"type": "string", "minLength": 1, "x-cde": True},
    "measured_at": {"type": "string", "format": "date-time", "x-cde": True},
    "temperature": {"type": "number", "minimum": -90, "maximum": 60, "x-type": "decimal(10,2)"},
    "meta": {
        "type": "object",
        "required": ["fw"],
        "properties": {
            "fw": {"type": "string"},
            "gps": {"type": "object", "properties": {"lat": {"type": "number"}}},
        },
    },
    "tags": {"type": "array"},
}
GOOD = {"device": "dev-7", "measured_at": "2026-11-23T10:00:00+01:00", "temperature": 21.5}


def reading(**changes):
    return {**GOOD, **changes}
