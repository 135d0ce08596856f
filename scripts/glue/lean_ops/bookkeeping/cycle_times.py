"""Times as the items about runs have them."""

from datetime import UTC, datetime


def planned_at(cycle_id: str) -> datetime | None:
    """The time in a cycle's id, `20261123T100000Z-1a2b3c4d`; None in a name of another form."""
    try:
        return datetime.strptime(cycle_id.partition("-")[0], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        return None


def iso_text(at: datetime | None) -> str:
    """An aware time in UTC, to the second; "" where it is not known."""
    return "" if at is None else at.astimezone(UTC).isoformat(timespec="seconds")
