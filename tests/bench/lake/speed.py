"""What the scripts share that time runs of the jobs on a lake in a folder, with ports in memory.

It is imported first: it makes the tests' own modules, the jobs' and what Glue has beside them findable, for
this process and for Spark's tasks.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

_TESTS = Path(__file__).parents[2]
_GLUE = str(Path(sys.prefix) / "glue-packages")
_SCRIPTS = _TESTS.parent / "scripts"
for _folder in (_TESTS / "glue" / "support", _SCRIPTS / "local", _SCRIPTS / "glue"):
    sys.path.insert(0, str(_folder))
sys.path.insert(0, _GLUE)
os.environ["PYTHONPATH"] = os.pathsep.join([_GLUE, str(_SCRIPTS / "glue")])

if TYPE_CHECKING:
    from lake import Lake


def seconds(work: Callable[[], object]) -> float:
    began = time.monotonic()
    work()
    return time.monotonic() - began


def print_measured(measure: "Callable[[Lake, str, int], dict[str, float]]", rows: int) -> None:
    """Measures a topic of so many rows and prints that as a line of JSON. A small topic goes through all of
    it before, which warms the JVM up."""
    from lake import Lake
    from spark_tests import start_spark

    from lean_ops.spark.session import activate, open_session

    with TemporaryDirectory() as folder:
        # As the jobs have it, and not as the tests, whose queries are too small to be compiled.
        compiled = {
            "spark__sql__codegen__wholeStage": "true",
            "spark__sql__codegen__factoryMode": "FALLBACK",
        }
        spark = start_spark(Path(folder), **compiled)
        session = open_session("speed")
        activate(session)
        lake = Lake(session, "bench")
        measure(lake, "warm.up", 1_000)
        print(json.dumps(measure(lake, "many.rows", rows)), flush=True)
        spark.stop()
