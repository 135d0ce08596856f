"""The emulator's settings, read from its environment once."""

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from emulator.errors import EmulatorError

LOOPBACK = "127.0.0.1"
ICEBERG_PACKAGES = (
    "org.apache.iceberg:iceberg-spark-runtime-3.5_2.12:1.10.0",
    "org.apache.iceberg:iceberg-aws-bundle:1.10.0",
)
_TRUST_STORES = ("/etc/ssl/certs/java/cacerts", "/etc/pki/java/cacerts")

_ACCOUNT = "000000000000"
DEFAULT_REGION = "eu-central-1"
"""Not us-east-1, which several SDKs take when nobody names a region: here that would go unseen."""

# ministack serves far more than this pipeline uses. What opens a second port or looks for Docker stays off.
_MINISTACK_DEFAULTS = {
    "AUTH": "true",
    "MINISTACK_ACCOUNT_ID": _ACCOUNT,
    "MINISTACK_REGION": DEFAULT_REGION,
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_EC2_METADATA_DISABLED": "true",
    "MINISTACK_HOST": LOOPBACK,
    "IOT_MTLS_ENABLED": "0",
    "SFTP_ENABLED": "0",
    "LAMBDA_EXECUTOR": "local",
    "LOG_LEVEL": "WARNING",
}


class SettingsError(EmulatorError):
    """A variable has a value that cannot be used; the message is one line that says what it must be."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The settings of one local account."""

    port: int
    """TCP port on which every API answers."""
    local_dir: Path
    """Folder for logs and scratch files."""
    jars: tuple[str, ...]
    """Paths of Iceberg's jars; empty to let Ivy fetch them."""
    region: str
    account: str
    spark_cores: int
    spark_memory: str
    """Heap of Spark's JVM, as Java writes it: `2g`."""
    owner_pid: int | None
    """Id of the process with which the account ends; None for an account that ends by a signal only."""

    @property
    def endpoint(self) -> str:
        return f"http://{LOOPBACK}:{self.port}"

    @property
    def logs(self) -> Path:
        return self.local_dir / "logs"


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Reads the settings. Raises SettingsError for the first variable that cannot be used."""
    port = environment.get("GATEWAY_PORT", "4566")
    if not port.isdigit() or not 0 < int(port) < 65536:
        raise SettingsError(f"GATEWAY_PORT must be a port number from 1 to 65535, not {port!r}")
    if environment.get("BIND_HOST", LOOPBACK) != LOOPBACK:
        raise SettingsError(f"BIND_HOST must be {LOOPBACK}: the local account trusts whoever reaches it")
    jars = tuple(jar for jar in environment.get("LEAN_SPARK_JARS", "").split(",") if jar)
    for jar in jars:
        if not Path(jar).is_file():
            raise SettingsError(
                f"LEAN_SPARK_JARS names {jar}, which is not there; "
                "remove the list of jars below .local to fetch it again"
            )
    cores = environment.get("LEAN_SPARK_CORES", "2")
    if not cores.isdigit() or int(cores) < 1:
        raise SettingsError(f"LEAN_SPARK_CORES must be a whole number from 1, not {cores!r}")
    owner = environment.get("LEAN_OWNER_PID", "")
    if owner and not (owner.isascii() and owner.isdigit() and 0 < int(owner) < 2**31):
        raise SettingsError(f"LEAN_OWNER_PID must be the id of a process, not {owner!r}")
    return Settings(
        port=int(port),
        local_dir=Path(environment.get("LEAN_LOCAL_DIR", ".local")).resolve(),
        jars=jars,
        region=environment.get("MINISTACK_REGION", DEFAULT_REGION),
        account=environment.get("MINISTACK_ACCOUNT_ID", _ACCOUNT),
        spark_cores=int(cores),
        spark_memory=environment.get("LEAN_SPARK_MEMORY", "2g"),
        owner_pid=int(owner) if owner else None,
    )


def prepare_environment(settings: Settings) -> None:
    """Sets what ministack reads when it is imported, and what every child process inherits."""
    for name, value in _MINISTACK_DEFAULTS.items():
        os.environ.setdefault(name, value)
    os.environ["AWS_REGION"] = os.environ["AWS_DEFAULT_REGION"] = settings.region
    os.environ["GATEWAY_PORT"] = str(settings.port)
    os.environ["BIND_HOST"] = LOOPBACK
    os.environ["AWS_ENDPOINT_URL"] = settings.endpoint
    # A developer's own profile, session or Docker daemon must not leak into the local account.
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
        os.environ.pop(name, None)
    os.environ["DOCKER_HOST"] = "unix:///nonexistent/docker.sock"
    for name in ("NO_PROXY", "no_proxy"):
        hosts = [host for host in os.environ.get(name, "").split(",") if host]
        os.environ[name] = ",".join(dict.fromkeys([*hosts, LOOPBACK, "localhost"]))
    (settings.logs / "glue").mkdir(parents=True, exist_ok=True)


def port_is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def trust_store() -> str | None:
    """A trust store of the machine, for a certificate authority that the bundled Java does not know."""
    return next((path for path in _TRUST_STORES if Path(path).is_file()), None)
