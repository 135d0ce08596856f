"""The records and rows of a delivery stream, and the ways in which they fail."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Record:
    """A record as it was put."""

    record_id: str
    data: bytes
    arrived: int
    """Epoch milliseconds."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """A record after the transform, and the table it is for."""

    record: Record
    data: bytes
    database: str
    table: str
    operation: str


@dataclass(frozen=True, kw_only=True)
class FailedRecord:
    """A record that goes to the error prefix."""

    record: Record
    """The record as it was put, or as the transform made it when the transform went well."""
    output_type: str
    """processing-failed or iceberg-failed."""
    code: str
    message: str
    attempts: int = 1
    lambda_arn: str = ""
    """The function that failed, if one did."""


@dataclass(frozen=True, kw_only=True)
class UncommittedFiles:
    """Data files that are written and that no commit names, which is the other form in the error prefix."""

    files: list[str]
    records: int
    """The number of rows in the files."""
    arrived: int
    """When the first of the rows arrived, in epoch milliseconds."""
    code: str
    message: str
    attempts: int
    output_type: str = "iceberg-failed"


Failure = FailedRecord | UncommittedFiles
