"""The two ways in which Athena says no to a statement."""

from emulator.errors import EmulatorError

SYSTEM, USER = 1, 2
"""Whose a failure is: https://docs.aws.amazon.com/athena/latest/ug/error-reference.html"""


class MalformedQueryError(EmulatorError):
    """StartQueryExecution refuses the statement: an InvalidRequestException with MALFORMED_QUERY."""


class QueryFailedError(EmulatorError):
    """The statement is accepted and its execution fails; the message is Athena's StateChangeReason.

    category: USER where the statement is to blame, which is most often so.
    retryable: whether Athena says that the same statement may succeed later.
    """

    def __init__(self, reason: str, category: int = USER, *, retryable: bool = False) -> None:
        super().__init__(reason)
        self.category = category
        self.retryable = retryable
