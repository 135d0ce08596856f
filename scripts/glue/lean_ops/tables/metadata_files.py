"""How many of its former metadata files a table keeps, and how its metadata stays small.

Each commit writes a metadata file, which names all snapshots of the table. Iceberg keeps all of them for
ever, unless the table says otherwise, and Athena's DDL has no property that does. So each writer of the
library says it with the first commit that finds it missing. packages/common/src/core/warehouse/tables.ts has
the same number for Athena's VACUUM.
"""

from collections.abc import Mapping

KEPT_METADATA_FILES = 20
"""Beside the current one. Nobody reads a former one, but whoever has just asked the catalog for the current
one must still find it when other commits have come meanwhile."""

METADATA_PROPERTIES: Mapping[str, str] = {
    "write.metadata.delete-after-commit.enabled": "true",
    "write.metadata.previous-versions-max": str(KEPT_METADATA_FILES),
}
"""https://iceberg.apache.org/docs/latest/maintenance/#remove-old-metadata-files"""

OWN_METADATA_PROPERTIES: Mapping[str, str] = {
    **METADATA_PROPERTIES,
    "write.metadata.compression-codec": "gzip",
}
"""Those of the tables that only the library writes rows to. A metadata file names each snapshot at about a
kilobyte, and packed at a tenth of that. RAW's is left as Firehose writes it."""

MERGE_FROM = "commit.manifest.min-count-to-merge"
MERGE_FROM_MANIFESTS = 8
"""The number of manifests that are merged into one. Every commit leaves one, and every cycle reads them all.
Iceberg's own limit is 100."""


def missing_properties(wanted: Mapping[str, str], properties: Mapping[str, str | None]) -> dict[str, str]:
    """Those of the wanted properties for which the table has no value. A value of somebody else's stays."""
    return {name: value for name, value in wanted.items() if properties.get(name) is None}
