"""Access to the files of tables for Arrow's readers and writers, which run on executors without Spark."""

import threading
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import unquote, urlparse

from pyarrow.fs import FileSystem, LocalFileSystem, S3FileSystem

from lean_ops.errors import LeanOpsError
from lean_ops.ports.aws import Keys, current_keys

_LOCAL = LocalFileSystem()
_making_s3 = threading.Lock()


class NoRegionError(LeanOpsError):
    """Files of S3 are wanted, and nothing says in which region their bucket is."""

    def __init__(self) -> None:
        super().__init__(
            "the catalog has no client.region: set spark.sql.catalog.glue_catalog.client.region to the "
            "region that the lake's bucket is in, as the job's --conf does"
        )


@dataclass(frozen=True, kw_only=True)
class FileStore:
    """The settings with which files are reached; the driver makes it and the tasks carry it along.

    region: that of the bucket. It may be None only where all files are in a local folder: Arrow would take
    us-east-1 without a word. endpoint: None stands for that of AWS.
    """

    region: str | None = None
    endpoint: str | None = None

    def open(self, location: str) -> FileSystem:
        """The file system that holds a location, which may be any file or folder of a table.

        It is good for ten minutes: whoever reads for longer asks again, and gets the same one until there are
        new keys. Raises NoRegionError.
        """
        url = urlparse(location)
        if url.scheme in ("", "file"):
            return _LOCAL
        if self.region is None:
            raise NoRegionError
        keys = current_keys(self.region)
        # lru_cache takes no lock while it computes: threads that begin together would make one each.
        with _making_s3:
            return _s3(self.region, self.endpoint, keys)


@lru_cache(maxsize=8)
def _s3(region: str, endpoint: str | None, keys: Keys | None) -> S3FileSystem:
    """One file system for all files of a process, because it keeps its connections open; a new one as soon as
    the keys are others.

    Without keys, Arrow looks for some itself.
    """
    options: dict[str, Any] = {"region": region}
    if endpoint is not None:
        url = urlparse(endpoint)
        options |= {"endpoint_override": url.netloc, "scheme": url.scheme}
    if keys is not None:
        options |= {"access_key": keys.access_key, "secret_key": keys.secret_key, "session_token": keys.token}
    # With allow_delayed_open, a small file is written by one PutObject instead of a multipart upload.
    return S3FileSystem(allow_delayed_open=True, **options)


def path_of(location: str) -> str:
    """A location without its scheme, as pyarrow's file systems take it."""
    url = urlparse(location)
    return f"{url.netloc}{url.path}" if url.scheme != "file" else unquote(url.path)
