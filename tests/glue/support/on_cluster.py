"""The driver of tests/glue/cluster: a history on a Spark whose executors are processes of their own.

Usage: on_cluster.py FOLDER LEAN_OPS_ZIP CYCLES. The last line of its output is JSON.

It is started without PYTHONPATH, so executors find of the library only what --extra-py-files would give them
on Glue. What the driver needs besides is put on its own path here.
"""

import json
import os
import sys
from importlib import metadata
from pathlib import Path

ROOT = Path(__file__).parents[3]
CORES, MEMORY_MB = 2, 1024
DRIVER_THREADS = 7
"""Not the default, and not the number of any machine's cores: Iceberg has it only when it was set in time."""


def probe(_: int) -> dict[str, object]:
    """What a task finds; it is pickled by value, as all of this module."""
    from lean_ops.tasks import run_tasks

    return {
        "pid": os.getppid(),
        "library": run_tasks.__file__,
        "path": sys.path,
        "pyarrow": metadata.version("pyarrow"),
        "boto3": metadata.version("boto3"),
    }


def main(folder: Path, archive: str, cycles: int) -> dict[str, object]:
    sys.path[:0] = [archive, str(ROOT / "scripts" / "local")]
    from lake import Event, Lake
    from spark_tests import start_spark

    from lean_ops.spark.session import activate, open_session, settings_in_force

    packages = str(Path(sys.prefix) / "glue-packages")
    base = start_spark(
        folder,
        f"local-cluster[{CORES},1,{MEMORY_MB}]",
        spark__submit__pyFiles=archive,
        spark__executor__memory=f"{MEMORY_MB}m",
        spark__executor__extraJavaOptions="-XX:+UseSerialGC -XX:TieredStopAtLevel=1",
        spark__executorEnv__PYTHONPATH=packages,
    )
    session = open_session("lean-ops-on-cluster", DRIVER_THREADS)
    activate(session)
    lake = Lake(session, "lake")
    lake.activate("telemetry.climate", 1, {"temperature": {"type": "number", "x-cde": True}})
    troubles = []
    for n in range(cycles):
        lake.deliver(
            *(
                Event({"temperature": n, "site": "a"}, topic, message_id=f"{n}-{key}", key=key, produced=n)
                for topic in ("telemetry.climate", "device.status", "water.meter")
                for key in ("x", "y", f"of {n}")
            ),
            Event({"temperature": "hot"}, message_id=f"{n}-bad", key=f"bad {n}", produced=n),
            Event("{", message_id=f"{n}-broken"),
        )
        troubles += [lake.standardize().trouble(), lake.curate().trouble()]
    tables = ["ops.cycle_delta", "standardized.telemetry_climate", "curated.telemetry_climate"]
    found = {
        "settings": settings_in_force(session),
        "driver_threads": DRIVER_THREADS,
        "executors": base.sparkContext.parallelize(range(8), 8).map(probe).collect(),
        "troubles": troubles,
        "log": [line["message"] for line in lake.logged],
        "files": {
            table: [
                Path(row[0]).name
                for row in session.sql(f"SELECT file_path FROM {lake.name(table)}.files").collect()
            ]
            for table in tables
        },
        "curated": {key: row["temperature"] for key, row in lake.by_key(tables[2]).items()},
        "standardized": {key: row["temperature"] for key, row in lake.by_key(tables[1]).items()},
        "balances": [lake.balance(layer) for layer in ("standardized", "curated")],
    }
    base.stop()
    return found


if __name__ == "__main__":
    result = main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
    print(json.dumps(result), flush=True)
