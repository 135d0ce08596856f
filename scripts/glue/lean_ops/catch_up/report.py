"""The report of a run of historical_catch_up for people, at its end."""

from collections.abc import Iterable, Sequence

from lean_ops.catch_up.job import CatchUpOutcome
from lean_ops.catch_up.plan import TopicPlan

_HEADER = ("topic", "drift_log", "columns added", "registry")


def summary(outcome: CatchUpOutcome) -> list[str]:
    """Returns lines of text: a row for each topic with something to do, then what people have to do, then
    what failed."""
    changed = [plan for topic, plan in sorted(outcome.plans.items()) if plan.changes]
    notes = [(topic, note) for topic, plan in sorted(outcome.plans.items()) for note in plan.notes]
    in_line = len(outcome.plans) - len({plan.topic for plan in changed} | {topic for topic, _ in notes})
    lines = [f"historical catch-up: {_headline(outcome, len(changed))}", ""]
    if changed:
        lines += [*_table([_HEADER, *map(_row, changed)]), ""]
    if any(plan.rows and not plan.exact for plan in changed):
        lines += ["* dated by the oldest snapshot that is left: the columns were there by then", ""]
    lines += _section("Needs a person", [*notes, *sorted(outcome.left.items())])
    lines += _section("Failed", sorted(outcome.failed.items()))
    rows = sum(len(plan.rows) for plan in changed)
    lines.append(
        f"{len(outcome.plans)} topics: {len(changed)} to bring in line by {rows} rows of drift_log, "
        f"{in_line} in line already, {len(outcome.failed)} failed."
    )
    return lines


def _headline(outcome: CatchUpOutcome, changed: int) -> str:
    if outcome.dry_run:
        return "dry run, nothing was written; a run with --dry-run=false would do this"
    return "this was done" if changed else "nothing to do"


def _row(plan: TopicPlan) -> tuple[str, str, str, str]:
    rows = f"{len(plan.rows)} rows{'' if plan.exact else ' *'}" if plan.rows else "–"
    return plan.topic, rows, ", ".join(plan.add_columns) or "–", _registry(plan)


def _registry(plan: TopicPlan) -> str:
    parts = []
    if plan.item is not None:
        version = plan.item.get("schema_version")
        parts.append(
            "new, " + (f"enabled, version {version}" if plan.item["processing_enabled"] else "not enabled")
        )
    if plan.fill:
        parts.append("gets " + ", ".join(plan.fill))
    if plan.claim:
        parts.append(f"owns {plan.table}")
    return "; ".join(parts) or "–"


def _table(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]


def _section(title: str, entries: Iterable[tuple[str, str]]) -> list[str]:
    lines = [f"  {subject}: {text}" for subject, text in entries]
    return [f"{title}:", *lines, ""] if lines else []
