"""What travels through a delivery stream."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Record:
    """As it was put. arrived: epoch milliseconds."""

    record_id: str
    data: bytes
    arrived: int


@dataclass(frozen=True)
class Row:
    """A record after the transform, and the table it is for."""

    record: Record
    data: bytes
    database: str
    table: str
    operation: str


@dataclass(frozen=True)
class Problem:
    """A record that goes to the error prefix. output_type: processing-failed or iceberg-failed. lambda_arn:
    if one failed. After the transform `record` holds what the transform made of it.
    """

    record: Record
    output_type: str
    code: str
    message: str
    attempts: int = 1
    lambda_arn: str = ""


@dataclass(frozen=True)
class UncommittedFiles:
    """Data files that are written and that no commit names: the other form in the error prefix, for `records`
    rows that arrived at `arrived` (epoch milliseconds) and later.
    """

    files: list[str]
    records: int
    arrived: int
    code: str
    message: str
    attempts: int
    output_type: str = "iceberg-failed"


Failure = Problem | UncommittedFiles
