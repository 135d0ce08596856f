"""Which columns of each topic hold objects as they were sent, as the registry has it.

schema-validator writes them with the other facts of an active schema
(packages/schema-validator/src/upload-registry.ts), so a cycle knows those of all topics when it takes RAW,
without a request for each. tests/conformance/opaque_columns.json holds both to the same.
"""

from collections.abc import Iterable

from lean_ops.payload.opaque import OpaqueColumns
from lean_ops.ports.interfaces import Item, Schemas
from lean_ops.validation.topic_schema import read_schema

_OPAQUE = "opaque_columns"
_IN_SCHEMA = "IN_SCHEMA"
"""Stands there instead of a list that is too long for the item: then the active schema is read."""


def opaque_columns(registry: Iterable[Item], schemas: Schemas) -> OpaqueColumns:
    """The opaque columns of the topics that have any. Raises SchemaError where a schema that has to be read
    cannot be."""
    found = {}
    for item in registry:
        topic, stated = str(item["topic_name"]), item.get(_OPAQUE)
        if stated == _IN_SCHEMA:
            text = schemas.active(topic)
            if text is not None:
                found[topic] = read_schema(text, topic).opaque_columns
        elif stated:
            found[topic] = frozenset(str(column) for column in stated)
    return found
