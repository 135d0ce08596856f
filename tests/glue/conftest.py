"""One Spark session for all tests, with a catalog named as Glue's, and a lake to run jobs in."""

import itertools
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis_profile
import pytest

if TYPE_CHECKING:
    from lake import Lake
    from pyspark.sql import SparkSession

sys.path.insert(0, str(Path(__file__).parent / "support"))

# Jobs run with the packages of Glue, which stand in front of what the local account needs at other versions.
# Spark's Python workers inherit the variable.
_GLUE_PACKAGES = str(Path(sys.prefix) / "glue-packages")
sys.path.insert(0, _GLUE_PACKAGES)
os.environ["PYTHONPATH"] = os.pathsep.join([_GLUE_PACKAGES, *filter(None, [os.environ.get("PYTHONPATH")])])

hypothesis_profile.load()


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> "Iterator[SparkSession]":
    from spark_tests import start_spark

    session = start_spark(tmp_path_factory.mktemp("spark"))
    yield session
    session.stop()


@pytest.fixture(scope="session")
def job_session(spark: "SparkSession") -> "SparkSession":
    """A session as the jobs have it; its catalog lives as long as it does."""
    from lean_ops.spark.session import activate, open_session

    session = open_session("lean-ops-tests")
    activate(session)
    return session


_prefixes = (f"lake{n}" for n in itertools.count())


@pytest.fixture(scope="session")
def new_lake(job_session: "SparkSession") -> "Callable[[], Lake]":
    """Makes lakes: empty RAW and ops tables, ports in memory."""
    from lake import Lake

    return lambda: Lake(job_session, next(_prefixes))


@pytest.fixture
def lake(new_lake: "Callable[[], Lake]") -> "Lake":
    return new_lake()


@pytest.fixture
def by_spark(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every topic counts as too large for one task."""
    from lean_ops.curated import advance_topics as curated_topics
    from lean_ops.tasks import advance_topics as topics

    for module in (curated_topics, topics):
        monkeypatch.setattr(module, "MAX_EVENTS", 0)


@pytest.fixture
def compacting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many cycles go by until there are small files to compact and manifests to merge: here two do."""
    from lean_ops.tables import compaction, topic_table

    for module in (compaction, topic_table):
        monkeypatch.setattr(module, "COMPACT_FROM_FILES", 2)
    monkeypatch.setattr(topic_table, "MERGE_FROM_MANIFESTS", 2)
