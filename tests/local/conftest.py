"""One local account for the tests of this folder."""

import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import hypothesis_profile
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from local_stack import Stack, start_stack

hypothesis_profile.load()


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Buckets `lake`, work group `wg`, database `d` and an empty table `d.events`."""
    found = start_stack(tmp_path_factory.mktemp("stack"))
    try:
        found.create_bucket("lake")
        results = {"ResultConfiguration": {"OutputLocation": "s3://lake/athena-results/"}}
        found.client("athena").create_work_group(Name="wg", Configuration=results)
        assert found.query("CREATE DATABASE IF NOT EXISTS d").state == "SUCCEEDED"
        made = found.query(
            "CREATE TABLE `d`.`events` (`id` string, `at` timestamp, `n` bigint) PARTITIONED BY (day(`at`)) "
            "LOCATION 's3://lake/warehouse/d/events' "
            "TBLPROPERTIES ('table_type'='ICEBERG', 'write_data_path_enabled'='true')"
        )
        assert made.state == "SUCCEEDED", made.reason
        yield found
    finally:
        left = found.end(signal.SIGTERM)
    assert not left, f"processes that outlived SIGTERM: {left}"


@pytest.fixture(scope="session")
def start(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Stack]:
    """Starts another account; the test ends it."""
    return lambda: start_stack(tmp_path_factory.mktemp("another"))
