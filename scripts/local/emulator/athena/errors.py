"""The two ways in which Athena says no to a statement."""

from emulator.errors import EmulatorError


class MalformedQueryError(EmulatorError):
    """StartQueryExecution refuses the statement: an InvalidRequestException with MALFORMED_QUERY."""


class QueryFailedError(EmulatorError):
    """The statement is accepted and its execution fails; the message is Athena's StateChangeReason."""
