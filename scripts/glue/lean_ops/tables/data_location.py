"""Where the new data files of a table go.

That is for Iceberg's location provider to say, which is in the JVM of the driver; tasks have none. So the
driver asks it about two names, and tasks do the same for the names of their files. tests/glue/tables holds
this to Iceberg.
"""

from dataclasses import dataclass
from typing import Any

from lean_ops.tables.bucket_transform import murmur3

_HASH_BITS = 20
_PROBES = ("7d1f.parquet", "a0c3.parquet")
"""Two names whose hashes differ."""


@dataclass(frozen=True)
class DataLocation:
    """A file's location is `before`, its hash where `hashed`, `after`, and its name.

    Hashed is Iceberg's object-store layout (write.object-storage.enabled): S3 limits requests a prefix, so
    each file is in folders of its own.
    """

    before: str
    after: str = ""
    hashed: bool = False

    def of(self, name: str) -> str:
        """The location of a new file of this name."""
        return f"{self.before}{folders_of(name) if self.hashed else ''}{self.after}{name}"


def folders_of(name: str) -> str:
    """The folders that Iceberg's object-store layout makes of a name, such as `0101/1100/0011/10100110`:
    https://iceberg.apache.org/docs/1.10.0/aws/#object-store-file-layout"""
    bits = f"{murmur3(name.encode()) & ((1 << _HASH_BITS) - 1):0{_HASH_BITS}b}"
    return "/".join((bits[:4], bits[4:8], bits[8:12], bits[12:]))


def data_location(provider: Any) -> DataLocation:
    """What an Iceberg LocationProvider, in Java, says of new files.

    A provider of another layout gives the folder of one file, in which all go then: where a file lies
    matters to nobody who reads the table.
    """
    first, second = (str(provider.newDataLocation(name)).removesuffix(name) for name in _PROBES)
    before, found, after = first.partition(folders_of(_PROBES[0]))
    hashed = DataLocation(before, after, hashed=True)
    if found and second == hashed.of(_PROBES[1]).removesuffix(_PROBES[1]):
        return hashed
    return DataLocation(first)
