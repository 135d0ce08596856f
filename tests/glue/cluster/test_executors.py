"""Both layers with executors in processes of their own, as on Glue: what tasks need has to reach them by
--extra-py-files and by pickling, and what they find has to reach the driver."""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from budget import budget

ROOT = Path(__file__).parents[3]
DRIVER = ROOT / "tests" / "glue" / "support" / "on_cluster.py"
CYCLES = budget(each_run=1, thorough=6)
LIMIT_SECONDS = 500


def library(folder):
    """The archive of the library, as the build makes it."""
    archive = folder / "lean_ops.zip"
    with zipfile.ZipFile(archive, "w") as target:
        for source in sorted((ROOT / "scripts" / "glue" / "lean_ops").rglob("*.py")):
            target.write(source, source.relative_to(ROOT / "scripts" / "glue").as_posix())
    return archive


@pytest.fixture(scope="module")
def history(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cluster")
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    driver = subprocess.Popen(
        [sys.executable, str(DRIVER), str(folder), str(library(folder)), str(CYCLES)],
        cwd=folder,
        env={**environment, "SPARK_SCALA_VERSION": "2.12"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # Its JVM and the executors' are of its group, and end with it.
        start_new_session=True,
    )
    try:
        out, errors = driver.communicate(timeout=LIMIT_SECONDS)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(driver.pid, signal.SIGKILL)
    assert driver.returncode == 0, errors[-6000:]
    return json.loads(out.strip().splitlines()[-1])


def test_executors_are_other_processes_with_the_library_in_its_archive_alone(history):
    executors = history["executors"]
    assert len({one["pid"] for one in executors}) > 1
    for one in executors:
        assert Path(one["library"]).parts[-4:] == ("lean_ops.zip", "lean_ops", "tasks", "run_tasks.py")
        assert not [entry for entry in one["path"] if "tests" in entry or entry.startswith(f"{ROOT}/scripts")]
        assert (one["pyarrow"], one["boto3"]) == ("22.0.0", "1.40.61")


def test_the_settings_of_java_came_before_its_classes(history):
    assert history["settings"]["iceberg_threads"] == history["driver_threads"]
    assert history["settings"]["retry_mode"] == "adaptive"


def test_tasks_on_executors_wrote_all_files(history):
    assert "RAW goes by Spark" not in history["log"]
    for table, files in history["files"].items():
        assert files, table
        # Spark begins the names of its files with the number of the partition.
        assert all(re.fullmatch(r"[0-9a-f-]{36}\.parquet", name) for name in files), (table, files)


def test_the_rows_are_what_a_single_process_makes_of_them(history):
    last = CYCLES - 1
    assert history["troubles"] == [None] * (2 * CYCLES)
    winners = {"x": last, "y": last} | {f"of {n}": n for n in range(CYCLES)}
    assert history["curated"] == winners
    rejected = {f"bad {n}": "hot" for n in range(CYCLES)}
    assert history["standardized"] == {key: str(value) for key, value in winners.items()} | rejected
    for received, found in history["balances"]:
        assert received == found > 0
