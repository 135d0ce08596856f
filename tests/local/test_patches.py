"""The emulator knows at start what it cannot work with, and says so in one line."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from emulator import patches

SCRIPTS = Path(__file__).parents[2] / "scripts" / "local"


def run_emulator(**environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "emulator"],
        env={**os.environ, "PYTHONPATH": str(SCRIPTS), "PYTHONDONTWRITEBYTECODE": "1", **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_every_name_that_is_replaced_or_called_is_in_ministack() -> None:
    assert patches.missing() == []


def test_a_name_that_is_gone_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    used = {**patches.USED, "services.glue": ("_jobs", "_gone"), "services.firehose": ("_HANDLERS[Gone]",)}
    monkeypatch.setattr(patches, "USED", used)
    assert patches.missing() == ["services.firehose._HANDLERS[Gone]", "services.glue._gone"]


def test_a_taken_port_is_one_line(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        result = run_emulator(GATEWAY_PORT=port, LEAN_LOCAL_DIR=str(tmp_path))
    assert result.returncode == 1
    assert result.stderr == (
        f"error: port {port} on 127.0.0.1 is taken: end what listens there, or set GATEWAY_PORT to another\n"
    )


@pytest.mark.parametrize(
    ("environment", "names"),
    [
        ({"BIND_HOST": "0.0.0.0"}, "BIND_HOST"),
        ({"GATEWAY_PORT": "http"}, "GATEWAY_PORT"),
        ({"LEAN_SPARK_JARS": "/no/such.jar"}, "LEAN_SPARK_JARS"),
        ({"LEAN_SPARK_CORES": "0"}, "LEAN_SPARK_CORES"),
        ({"LEAN_OWNER_PID": "jest"}, "LEAN_OWNER_PID"),
        ({"LEAN_OWNER_PID": "0"}, "LEAN_OWNER_PID"),
    ],
)
def test_a_wrong_variable_is_one_line(environment: dict[str, str], names: str, tmp_path: Path) -> None:
    result = run_emulator(**{"LEAN_LOCAL_DIR": str(tmp_path), **environment})
    assert result.returncode == 1
    assert result.stderr.startswith(f"error: {names}")
    assert result.stderr.count("\n") == 1
