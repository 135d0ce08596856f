"""The options of Spark's JVM, as Spark takes them apart again."""

import shlex
from typing import Any

from emulator.spark_process.session import java_options


def config(**changes: Any) -> dict[str, Any]:
    return {
        "region": "eu-central-1",
        "local_dir": "/srv/spark",
        "trust_store": None,
        "java_options": "-XX:TieredStopAtLevel=1 -Xss4m",
        **changes,
    }


def test_a_path_with_a_space_stays_in_one_option() -> None:
    options = shlex.split(java_options(config(local_dir="/my work/spark", trust_store="/etc/my ssl/cacerts")))
    assert "-Dderby.system.home=/my work/spark" in options
    assert "-Djavax.net.ssl.trustStore=/etc/my ssl/cacerts" in options


def test_quotes_and_backslashes_of_a_path_stay() -> None:
    options = shlex.split(java_options(config(local_dir='/a "b" \\c')))
    assert '-Dderby.system.home=/a "b" \\c' in options


def test_the_options_of_the_job_come_last_as_they_are() -> None:
    assert java_options(config()).endswith(" -XX:TieredStopAtLevel=1 -Xss4m")
