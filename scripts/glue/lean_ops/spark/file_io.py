"""Access to the files of tables for Arrow's readers and writers, which run on executors without Spark."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import unquote, urlparse

from pyarrow.fs import FileSystem, LocalFileSystem, S3FileSystem


@dataclass(frozen=True, kw_only=True)
class FileStore:
    """The settings with which files are reached; the driver makes it and the tasks carry it along.

    Without an access_key the machine's role is used, and without an endpoint that of AWS.
    """

    region: str | None = None
    endpoint: str | None = None
    access_key: str | None = None
    secret_key: str | None = None
    token: str | None = None

    def open(self, location: str) -> FileSystem:
        """The file system that holds a location, which may be any file or folder of a table."""
        url = urlparse(location)
        if url.scheme in ("", "file"):
            return LocalFileSystem()
        return _s3(self)


@lru_cache(maxsize=8)
def _s3(file_store: FileStore) -> S3FileSystem:
    """One file system for all files of a process, because it keeps its connections open."""
    options: dict[str, Any] = {"region": file_store.region}
    if file_store.endpoint is not None:
        url = urlparse(file_store.endpoint)
        options |= {"endpoint_override": url.netloc, "scheme": url.scheme}
    if file_store.access_key is not None:
        options |= {"access_key": file_store.access_key, "secret_key": file_store.secret_key}
        options |= {"session_token": file_store.token}
    try:
        # A small file is then written by one PutObject instead of a multipart upload.
        return S3FileSystem(allow_delayed_open=True, **options)
    except TypeError:
        return S3FileSystem(**options)  # an older pyarrow has no such option


def path_of(location: str) -> str:
    """A location without its scheme, as pyarrow's file systems take it."""
    url = urlparse(location)
    return f"{url.netloc}{url.path}" if url.scheme != "file" else unquote(url.path)
