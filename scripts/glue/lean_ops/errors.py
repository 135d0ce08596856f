"""The base of every error that this library raises itself, and what an error says in one line."""

import re
from typing import Any

_MAX_REASON = 500
_MAX_CAUSES = 50
"""How far a chain of causes is followed: chains are short, but Java lets one be a circle."""
_TRACEBACK = "Traceback (most recent call last):"
_CAUSES = "The above exception was the direct cause of the following exception:"
_OWN = "lean_ops."
"""The package of this library's errors, in a traceback."""
_RAISED = re.compile(r"(?:[A-Za-z_][\w$]*\.)*([A-Za-z_]\w*)(?:: (.*))?")
"""A class with its package, and the message, as both languages print an exception."""
_STAGE_FAILURE = re.compile(r"Job aborted due to stage failure: .*?\): ")
_PER_RUN = (
    (re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"), "…"),
    (re.compile(r"\bo[0-9]+\b"), "o…"),
    (re.compile(r"#[0-9]+L?\b"), "#…"),
    (re.compile(r"(Request ID:|RequestId:|\bTID) [^\s,)]+"), r"\1 …"),
    (re.compile(r"@[0-9a-f]{6,}\b"), "@…"),
    (re.compile(r"\b[0-9]{1,3}(?:\.[0-9]{1,3}){3}(?::[0-9]+)?\b"), "…"),
    (re.compile(r"\b[0-9]{5}-[0-9]+-(?=…)|\b[0-9]{15,}\b"), "…"),
)
"""What differs each time that an error comes: ids of files, queries, requests, tasks and snapshots, of
objects in Java and in the gateway to it, of expressions in a plan, and addresses of machines."""


_DENIED = re.compile(
    r"User: (?P<user>\S+) is not authorized to perform: (?P<action>[\w-]+:\w+)"
    r"(?: on resource: \"?(?P<resource>arn:[^\s\"]+))?"
)
"""How the services say that a role lacks a right, in Java and in Python alike."""
_READS = ("Get", "BatchGet", "List", "Describe", "Query", "Scan", "Head", "Search")
_WRITES = ("Put", "Update", "Create", "Delete", "Batch", "Write", "Abort", "Tag")


class LeanOpsError(Exception):
    """Catches what the library raises on purpose, and neither the errors of Spark and AWS nor defects."""


def reason(error: BaseException) -> str:
    """Returns an error as one line for ledger and log: class and message of its innermost cause.

    Of an error of this library the line is its own, as that says what to do. Equal failures give equal lines:
    what only names the run is left out. Of a right that a role lacks the line says what was to be done.
    """
    for _ in range(_MAX_CAUSES):
        if isinstance(error, LeanOpsError) or error.__cause__ is None:
            break
        error = error.__cause__
    kind, message = type(error).__name__, str(error)
    java = getattr(error, "java_exception", None)
    converted = getattr(error, "_origin", None)
    if java is not None:
        kind, message = _innermost_of_java(java)
    elif converted is not None and converted.getCause() is not None:
        # PySpark has classes of its own for some of Spark's, and those only for the outermost.
        kind, message = _innermost_of_java(converted)
    kind, message = _innermost_of_text(kind, message)
    # Tasks and engines change an error's class and keep its text, so a denial is known by its words.
    denied = access_denied(message)
    if denied is not None:
        return denied[:_MAX_REASON]
    for pattern, shown in _PER_RUN:
        message = pattern.sub(shown, message)
    return f"{kind}: {message}"[:_MAX_REASON].rstrip(": ")


def access_denied(message: str) -> str | None:
    """What a service's message about a missing right says: what was to be done with what, by which role.

    None when the message is about something else, or does not name the right. Its twin is `accessDenied` in
    packages/common/src/core/access-denied.ts; both are held to tests/conformance/denials.json.
    """
    found = _DENIED.search(message)
    if found is None:
        return None
    action = found["action"]
    call = action.split(":")[1]
    verb = "reading" if call.startswith(_READS) else "writing" if call.startswith(_WRITES) else "using"
    return f"access denied {verb} {_resource(found['resource'], action)} ({_who(found['user'])}: {action})"


def _who(arn: str) -> str:
    """The role of a session, as `arn:aws:sts::123456789012:assumed-role/NAME/SESSION` names it."""
    kind, _, rest = arn.split(":")[-1].partition("/")
    if kind == "assumed-role":
        return f"role {rest.split('/')[0]}"
    return f"{kind} {rest}" if rest else arn


def _resource(arn: str | None, action: str) -> str:
    """A resource in the words of those who look for it."""
    if arn is None:
        return f"what {action} needs"
    service, name = arn.split(":")[2], arn.split(":", 5)[-1]
    if service == "s3":
        return f"s3://{name}"
    kind, _, path = name.partition("/")
    if service == "glue" and kind == "table":
        return path.replace("/", ".", 1)
    return f"{kind} {path}" if path else name.replace(":", " ", 1)


def _innermost_of_java(java: Any) -> tuple[str, str]:
    """The class and message of a Java exception's last cause. java: the exception as py4j gives it."""
    for _ in range(_MAX_CAUSES):
        cause = java.getCause()
        if cause is None:
            break
        java = cause
    name = str(java.getClass().getName())
    return re.split(r"[.$]", name)[-1] or name, str(java.getMessage() or "")


def _innermost_of_text(kind: str, text: str) -> tuple[str, str]:
    """The class and first line of the exception that a message tells of: Spark hands on what was raised in a
    task, and py4j what Java refused, as a printed stack. kind: the class of the message itself."""
    lines = [line for line in text.splitlines() if line.strip()]
    if not lines:
        return kind, ""
    if _TRACEBACK in text:
        return _of_traceback(text) or (kind, lines[0].strip())
    causes = [line for line in lines if line.startswith("Caused by: ")]
    line = None
    if causes:
        line = causes[-1].removeprefix("Caused by: ")
    elif stage := _STAGE_FAILURE.match(lines[0]):
        line = lines[0][stage.end() :]
    elif lines[0].startswith("An error occurred while calling") and len(lines) > 1:
        line = lines[1]
    raised = None if line is None else _RAISED.fullmatch(line.strip())
    return (kind, lines[0].strip()) if raised is None else (raised[1], raised[2] or "")


def _of_traceback(text: str) -> tuple[str, str] | None:
    """The innermost exception of the tracebacks of Python in a text, as `reason` finds it in an exception.

    Python writes a cause before what it caused. None where the text ends before any exception.
    """
    found = None
    parts = text.split(_TRACEBACK)[1:]
    for n in range(len(parts) - 1, -1, -1):
        lines = (line for line in parts[n].splitlines() if not line[:1].isspace())
        raised = next((one for one in map(_RAISED.fullmatch, lines) if one is not None), None)
        if raised is not None:
            found = raised[1], raised[2] or ""
        own = raised is not None and raised.group().startswith(_OWN)
        if own or n == 0 or _CAUSES not in parts[n - 1]:
            break
    return found
