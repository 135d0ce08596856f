"""Athena's properties of Iceberg tables, as Iceberg's own."""

from emulator.athena.errors import QueryFailedError
from emulator.athena.spark_text import escape

DATA_PATH_ENABLED = "write_data_path_enabled"
_DATA_PATH = "write.data.path"
_LEGACY_DATA_PATH = "write.object-storage.path"

# https://docs.aws.amazon.com/athena/latest/ug/querying-iceberg-creating-tables.html
# Athena takes a fixed list. Sizes of files, as write_target_data_file_size_bytes, are no longer on it. Should
# Athena still take them, nothing may come to depend on it.
_PROPERTIES = {
    "format": "write.format.default",
    "write_compression": "write.parquet.compression-codec",
    "compression_level": "write.parquet.compression-level",
    DATA_PATH_ENABLED: None,
    "optimize_rewrite_data_file_threshold": None,
    "optimize_rewrite_delete_file_threshold": None,
    "vacuum_min_snapshots_to_keep": "history.expire.min-snapshots-to-keep",
    "vacuum_max_snapshot_age_seconds": "history.expire.max-snapshot-age-ms",
    # That it also sets write.metadata.previous-versions-max is not documented, so nothing may depend on it.
    "vacuum_max_metadata_files_to_keep": None,
}
_FORMATS = ("parquet", "orc", "avro")
_CODECS = ("zstd", "snappy", "gzip", "lz4", "none")
_MAX_THRESHOLD = 50
"""Thresholds of files are positive numbers below this one."""


def table_properties(given: dict[str, str], location: str) -> str:
    """The inside of TBLPROPERTIES (…) of a new table: Athena's defaults, and the given properties.

    location: that of the table. Athena spreads a table's files over prefixes of S3, and unless the statement
    says otherwise it says so by a property that Iceberg refuses since 1.9.
    """
    is_current = given.get(DATA_PATH_ENABLED, "false").lower() == "true"
    pairs = {
        "format-version": "2",
        "write.format.default": "parquet",
        "write.parquet.compression-codec": "zstd",
        "write.object-storage.enabled": "true",
        _DATA_PATH if is_current else _LEGACY_DATA_PATH: f"{location.rstrip('/')}/data",
    }
    if "compression_level" in given and "write_compression" not in given:
        raise QueryFailedError(
            "Compression codec must be defined when compression_level property is specified."
        )
    pairs |= _spark_properties(given)
    return ", ".join(f"'{name}'='{escape(value)}'" for name, value in pairs.items())


def altered_properties(given: dict[str, str]) -> dict[str, str]:
    """The properties of ALTER TABLE SET TBLPROPERTIES as Iceberg's.

    Athena takes those of a new table, and the two places of data files:
    https://docs.aws.amazon.com/athena/latest/ug/querying-iceberg-alter-table-set-properties.html
    """
    places = {name: value for name, value in given.items() if name in (_DATA_PATH, _LEGACY_DATA_PATH)}
    others = {name: value for name, value in given.items() if name not in places}
    return places | _spark_properties(others)


def _spark_properties(given: dict[str, str]) -> dict[str, str]:
    """Athena's table properties as Iceberg's.

    The names that VACUUM, OPTIMIZE and SHOW TBLPROPERTIES look for stay beside Iceberg's.
    """
    pairs: dict[str, str] = {}
    for name, value in given.items():
        if name not in _PROPERTIES:
            raise QueryFailedError(f"Unsupported table property key: {name}")
        _check(name, value)
        target = _PROPERTIES[name]
        if name.startswith(("vacuum_", "optimize_")):
            pairs[name] = value
        if target is not None:
            pairs[target] = str(int(value) * 1000) if target.endswith("-ms") else value.lower()
    return pairs


def _check(name: str, value: str) -> None:
    """Raises QueryFailedError for a value that Athena does not take."""
    if name == "format" and value.lower() not in _FORMATS:
        raise QueryFailedError(f"Table property format must be one of {', '.join(_FORMATS)}, not '{value}'")
    if name == "write_compression" and value.lower() not in _CODECS:
        raise QueryFailedError(
            f"Table property write_compression must be one of {', '.join(_CODECS)}, not '{value}'"
        )
    if name == DATA_PATH_ENABLED and value.lower() not in ("true", "false"):
        raise QueryFailedError(f"Table property {name} must be true or false, not '{value}'")
    if not name.startswith(("vacuum_", "optimize_", "compression_level")):
        return
    if not (value.isascii() and value.isdigit()) or int(value) == 0:
        raise QueryFailedError(f"Table property {name} must be a number, not '{value}'")
    if name.startswith("optimize_") and int(value) >= _MAX_THRESHOLD:
        raise QueryFailedError(f"Table property {name} must be less than {_MAX_THRESHOLD}, not '{value}'")
