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

from emulator.firehose.records import FailedRecord, Failure, Row, UncommittedFiles
from emulator.firehose.rows import InvalidRecordError, read_row
from emulator.iam.credentials import Credentials, client
from emulator.settings import Settings

logger = logging.getLogger("lean_ops.firehose")

_ATTEMPTS = 8
_MAX_MESSAGE_CHARS = 1000


class TableWriter:
    """Makes one append for each table and flush.

    A commit that lost a race is made again on the new state of the table, with the same data files. Files
    that no commit takes in the end stay where they are, and are reported.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._catalog = lru_cache(maxsize=16)(self._open)

    def append(self, session: Credentials, rows: list[Row]) -> list[Failure]:
        """Appends and commits the rows. Returns the failures."""
        groups: dict[tuple[str, str], list[Row]] = defaultdict(list)
        failures: list[Failure] = []
        for row in rows:
            if not row.database or not row.table:
                failures.append(
                    _failed(row, "Iceberg.MissingTable", "the record names no table and the stream has none")
                )
            elif row.operation != "insert":
                failures.append(
                    _failed(row, "Iceberg.InvalidOperation", f"operation {row.operation!r} needs UniqueKeys")
                )
            else:
                groups[row.database, row.table].append(row)
        for name, group in groups.items():
            try:
                failures += self._append_group(session, name, group)
            except Exception as error:
                # Whatever it is, the records must not be lost.
                logger.exception("append to %s.%s", *name)
                failures += [_failed(row, "Iceberg.DeliveryFailed", repr(error)) for row in group]
        return failures

    def _append_group(self, session: Credentials, name: tuple[str, str], group: list[Row]) -> list[Failure]:
        try:
            table = self._catalog(session).load_table(name)
        except NoSuchTableError as error:
            return [_failed(row, "Iceberg.NoSuchTable", str(error)) for row in group]
        except (ClientError, BotoCoreError, OSError) as error:
            return [_failed(row, _code(error), str(error)) for row in group]
        good: list[dict[str, Any]] = []
        kept: list[Row] = []
        failures: list[Failure] = []
        for row in group:
            try:
                good.append(read_row(row.data, table.schema()))
                kept.append(row)
            except InvalidRecordError as error:
                failures.append(_failed(row, "Iceberg.InvalidRecord", str(error)))
        if good:
            failures += self._write(table, good, kept)
        return failures

    def _write(self, table: Table, rows: list[dict[str, Any]], kept: list[Row]) -> list[Failure]:
        schema = table.schema().as_arrow()
        try:
            columns = [pa.array([row.get(field.name) for row in rows], type=field.type) for field in schema]
            data = pa.Table.from_arrays(columns, schema=schema)
        except (pa.ArrowException, OverflowError) as error:
            return [_failed(row, "Iceberg.InvalidRecord", str(error)) for row in kept]
        try:
            files = list(_dataframe_to_data_files(table_metadata=table.metadata, df=data, io=table.io))
        except (ClientError, BotoCoreError, OSError, ValueError) as error:
            return [_failed(row, _code(error), str(error)) for row in kept]
        attempts, failure = self._commit(table, files)
        if failure is None:
            return []
        names = [file.file_path for file in files]
        arrived = min(row.record.arrived for row in kept)
        message = str(failure)[:_MAX_MESSAGE_CHARS]
        return [
            UncommittedFiles(
                files=names,
                records=len(kept),
                arrived=arrived,
                code=_code(failure),
                message=message,
                attempts=attempts,
            )
        ]

    def _commit(self, table: Table, files: list[DataFile]) -> tuple[int, Exception | None]:
        """Commits the files. Returns the number of attempts, and the error of the last one if it failed."""
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
            # AWS does not say whether Firehose's commits skip the archive. If they do not, versions pile up.
            "glue.skip-archive": "false",
            "s3.endpoint": self._settings.endpoint,
            "s3.region": self._settings.region,
            "s3.access-key-id": session.access_key,
            "s3.secret-access-key": session.secret_key,
            "s3.session-token": session.token,
        }
        return GlueCatalog("firehose", client=client("glue", session), **properties)


def _failed(row: Row, code: str, message: str) -> FailedRecord:
    # The row is what could not be delivered, so it is what is kept, as on AWS.
    return FailedRecord(
        record=replace(row.record, data=row.data),
        output_type="iceberg-failed",
        code=code,
        message=message[:_MAX_MESSAGE_CHARS],
    )


def _code(error: Exception) -> str:
    text = str(error)
    if "not authorized" in text or "ACCESS_DENIED" in text or "AccessDenied" in text:
        return "Iceberg.AccessDenied"
    return "Iceberg.CommitFailed" if isinstance(error, CommitFailedException) else "Iceberg.DeliveryFailed"
