"""Where the tables' files are, for Arrow's readers and writers on executors."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import unquote, urlparse

from pyarrow.fs import FileSystem, LocalFileSystem, S3FileSystem


@dataclass(frozen=True)
class FileStore:
    """How to reach the files. access_key None: with what the machine's role gives. endpoint None: AWS's."""

    region: str | None = None
    endpoint: str | None = None
    access_key: str | None = None
    secret_key: str | None = None
    token: str | None = None

    def open(self, location: str) -> FileSystem:
        """location: of any file or folder in the table."""
        place = urlparse(location)
        if place.scheme in ("", "file"):
            return LocalFileSystem()
        return _s3(self)


@lru_cache(maxsize=8)
def _s3(file_store: FileStore) -> S3FileSystem:
    """One for all files: it keeps its connections."""
    options: dict[str, Any] = {"region": file_store.region}
    if file_store.endpoint is not None:
        host = urlparse(file_store.endpoint)
        options |= {"endpoint_override": host.netloc, "scheme": host.scheme}
    if file_store.access_key is not None:
        options |= {"access_key": file_store.access_key, "secret_key": file_store.secret_key}
        options |= {"session_token": file_store.token}
    try:
        # A small file is one PutObject then, not a multipart upload.
        return S3FileSystem(allow_delayed_open=True, **options)
    except TypeError:
        return S3FileSystem(**options)  # an older pyarrow


def path_of(location: str) -> str:
    """As pyarrow's file systems want it: without scheme."""
    place = urlparse(location)
    return f"{place.netloc}{place.path}" if place.scheme != "file" else unquote(place.path)
