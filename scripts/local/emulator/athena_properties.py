"""Athena's properties of Iceberg tables, as Iceberg's own."""

from emulator.athena_text import Failed

# https://docs.aws.amazon.com/athena/latest/ug/querying-iceberg-creating-tables.html#querying-iceberg-table-properties
_PROPERTIES = {
    "format": "write.format.default",
    "write_compression": "write.parquet.compression-codec",
    "compression_level": "write.parquet.compression-level",
    "write_target_data_file_size_bytes": "write.target-file-size-bytes",
    "optimize_rewrite_data_file_threshold": None,
    "optimize_rewrite_delete_file_threshold": None,
    "optimize_rewrite_min_data_file_size_bytes": None,
    "optimize_rewrite_max_data_file_size_bytes": None,
    "vacuum_min_snapshots_to_keep": "history.expire.min-snapshots-to-keep",
    "vacuum_max_snapshot_age_seconds": "history.expire.max-snapshot-age-ms",
    "vacuum_max_metadata_files_to_keep": "write.metadata.previous-versions-max",
}


def table_properties(given: dict[str, str]) -> str:
    """The inside of TBLPROPERTIES (…) of a new table: Athena's defaults, and what is given."""
    pairs = {
        "format-version": "2",
        "write.format.default": "parquet",
        "write.parquet.compression-codec": "zstd",
    }
    pairs |= spark_properties(given)
    return ", ".join(f"'{name}'='{escape(value)}'" for name, value in pairs.items())


def spark_properties(given: dict[str, str]) -> dict[str, str]:
    """Athena's table properties as Iceberg's; Athena's own name is kept too, for VACUUM and SHOW
    TBLPROPERTIES.
    """
    pairs: dict[str, str] = {}
    for name, value in given.items():
        if name not in _PROPERTIES:
            raise Failed(f"Unsupported table property key: {name}")
        if (
            name.startswith(("vacuum_", "optimize_", "compression_level", "write_target"))
            and not value.isdigit()
        ):
            raise Failed(f"Table property {name} must be a number, not '{value}'")
        target = _PROPERTIES[name]
        if name.startswith(("vacuum_", "optimize_")):
            pairs[name] = value
        if target is not None:
            pairs[target] = str(int(value) * 1000) if target.endswith("-ms") else value.lower()
    return pairs


def escape(value: str) -> str:
    return value.replace("\\", "\\\\").replace("'", "\\'")
