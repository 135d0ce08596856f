"""Appends rows to Iceberg tables with PyIceberg, as the stream's role."""

import logging
import random
import time
from collections import defaultdict
from dataclasses import replace
from functools import lru_cache
from typing import Any

import pyarrow as pa
from botocore.exceptions import BotoCoreError, ClientError
from pyiceberg.catalog.glue import GlueCatalog
from pyiceberg.exceptions import CommitFailedException, NoSuchTableError
from pyiceberg.io.pyarrow import _dataframe_to_data_files
from pyiceberg.manifest import DataFile
from pyiceberg.table import Table

from emulator.firehose.records import Failure, Problem, Row, UncommittedFiles
from emulator.firehose.rows import Mistyped, read_row
from emulator.iam.credentials import Credentials, client
from emulator.settings import Settings

logger = logging.getLogger("lean_ops.firehose")

_ATTEMPTS = 8


class TableWriter:
    """One append a table and flush; a commit that lost a race is made again on the new state of the table,
    with the same data files. Files that no commit takes in the end stay where they are, and are named.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._catalog = lru_cache(maxsize=16)(self._open)

    def append(self, session: Credentials, rows: list[Row]) -> list[Failure]:
        """@returns what could not be appended; everything else is committed."""
        groups: dict[tuple[str, str], list[Row]] = defaultdict(list)
        problems: list[Failure] = []
        for row in rows:
            if not row.database or not row.table:
                problems.append(
                    _problem(row, "Iceberg.MissingTable", "the record names no table and the stream has none")
                )
            elif row.operation != "insert":
                problems.append(
                    _problem(row, "Iceberg.InvalidOperation", f"operation {row.operation!r} needs UniqueKeys")
                )
            else:
                groups[row.database, row.table].append(row)
        for name, group in groups.items():
            try:
                problems += self._append_group(session, name, group)
            except Exception as error:  # whatever it is, the records must not be lost
                logger.exception("append to %s.%s", *name)
                problems += [_problem(row, "Iceberg.DeliveryFailed", repr(error)) for row in group]
        return problems

    def _append_group(self, session: Credentials, name: tuple[str, str], group: list[Row]) -> list[Failure]:
        try:
            table = self._catalog(session).load_table(name)
        except NoSuchTableError as error:
            return [_problem(row, "Iceberg.NoSuchTable", str(error)) for row in group]
        except (ClientError, BotoCoreError, OSError) as error:
            return [_problem(row, _code(error), str(error)) for row in group]
        good: list[dict[str, Any]] = []
        kept: list[Row] = []
        problems: list[Failure] = []
        for row in group:
            try:
                good.append(read_row(row.data, table.schema()))
                kept.append(row)
            except Mistyped as error:
                problems.append(_problem(row, "Iceberg.InvalidRecord", str(error)))
        if good:
            problems += self._write(table, good, kept)
        return problems

    def _write(self, table: Table, rows: list[dict[str, Any]], kept: list[Row]) -> list[Failure]:
        schema = table.schema().as_arrow()
        try:
            columns = [pa.array([row.get(field.name) for row in rows], type=field.type) for field in schema]
            data = pa.Table.from_arrays(columns, schema=schema)
        except (pa.ArrowException, OverflowError) as error:
            return [_problem(row, "Iceberg.InvalidRecord", str(error)) for row in kept]
        try:
            files = list(_dataframe_to_data_files(table_metadata=table.metadata, df=data, io=table.io))
        except (ClientError, BotoCoreError, OSError, ValueError) as error:
            return [_problem(row, _code(error), str(error)) for row in kept]
        attempts, failure = self._commit(table, files)
        if failure is None:
            return []
        names = [file.file_path for file in files]
        arrived = min(row.record.arrived for row in kept)
        message = str(failure)[:1000]
        return [UncommittedFiles(names, len(kept), arrived, _code(failure), message, attempts)]

    def _commit(self, table: Table, files: list[DataFile]) -> tuple[int, Exception | None]:
        """@returns the attempts made, and what the last one failed with."""
        failure: Exception | None = None
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                with (
                    table.transaction() as transaction,
                    transaction.update_snapshot().fast_append() as append,
                ):
                    for file in files:
                        append.append_data_file(file)
                return attempt, None
            except CommitFailedException as error:
                logger.info("%s: commit attempt %d lost a race", table.name(), attempt)
                failure = error
                time.sleep(random.uniform(0.01, 0.05) * 2 ** min(attempt, 5))
                table.refresh()
            except (ClientError, BotoCoreError, OSError, ValueError) as error:
                return attempt, error
        return _ATTEMPTS, failure

    def _open(self, session: Credentials) -> GlueCatalog:
        properties = {
            "py-io-impl": "pyiceberg.io.pyarrow.PyArrowFileIO",
            "s3.endpoint": self._settings.endpoint,
            "s3.region": self._settings.region,
            "s3.access-key-id": session.access_key,
            "s3.secret-access-key": session.secret_key,
            "s3.session-token": session.token,
        }
        return GlueCatalog("firehose", client=client("glue", session), **properties)


def _problem(row: Row, code: str, message: str) -> Problem:
    # What could not be delivered is the row, so that is what is kept, as on AWS.
    return Problem(replace(row.record, data=row.data), "iceberg-failed", code, message[:1000])


def _code(error: Exception) -> str:
    text = str(error)
    if "not authorized" in text or "ACCESS_DENIED" in text or "AccessDenied" in text:
        return "Iceberg.AccessDenied"
    return "Iceberg.CommitFailed" if isinstance(error, CommitFailedException) else "Iceberg.DeliveryFailed"
