"""The keys that an operation forgets, and which rows, messages and texts are theirs."""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

MAX_KEYS = 100
"""The most keys of one operation: they are one item of DynamoDB, which has at most 400 KB."""
_ENVELOPE = ("idempotency_key", "message_id")
"""The members of an envelope of which the first that is usable is the record's key."""
_MEMBERS = {"topic_name", *_ENVELOPE, "event_time", "produced_at", "payload"}
"""All members that an envelope knows."""
_NAMED_KEY = re.compile(r'"(idempotency_key|message_id)"\s*:\s*("(?:[^"\\]|\\.)*"|-?[\d.eE+-]+)')


@dataclass(frozen=True, kw_only=True)
class Forgotten:
    """What an operation forgets. topic: of which topic. keys: the values of `idempotency_key`; never in a
    log."""

    operation_id: str
    topic: str
    keys: frozenset[str] = field(repr=False)

    def is_of_letter(self, letter: Mapping[str, Any]) -> bool:
        """Whether a dead letter, as the archive has it, is a record with one of the keys.

        A letter without a topic counts too: it belongs to no other one.
        """
        source = str(_first_id(letter) or letter.get("source_message_id") or "")
        body = letter.get("body")
        if body is None:
            return source in self.keys
        return self.is_of_body(str(body), source)

    def is_of_body(self, body: str, source_message_id: str) -> bool:
        """Whether a message is a record with one of the keys. source_message_id: its id in SQS, which is the
        key of a message that names none."""
        own = _envelope_key(body)
        return (source_message_id if own is None else own) in self.keys

    def is_of_record(self, record: bytes) -> bool:
        """Whether a record on its way through Firehose is of the topic and one of the keys. record: one line
        of JSON and the payload behind it, or a row of RAW as JSON."""
        head, _, _ = record.partition(b"\n")
        try:
            frame = json.loads(head)
        except ValueError:
            return False
        if not isinstance(frame, dict) or frame.get("topic_name") != self.topic:
            return False
        return str(frame.get("idempotency_key") or frame.get("message_id") or "") in self.keys

    def is_in(self, content: bytes) -> bool:
        """Whether a text holds one of the keys, as it is or as JSON or CSV would write it."""
        return any(text in content for key in self.keys for text in _spellings(key))


def _first_id(letter: Mapping[str, Any]) -> object:
    """The id that a letter which was sent again had at first; it is the key of a message that names none."""
    origin = letter.get("lean_ops_origin")
    return origin.get("message_id") if isinstance(origin, dict) else None


def hash_of(salt: str, key: str) -> str:
    """What stays on record of a key: the SHA-256 of the plan's salt and the key, in hex. Whoever has the key
    can compute it again. packages/cli/src/operations/forget-plan.ts is the twin."""
    return hashlib.sha256(f"{salt}{key}".encode("utf-8", "surrogatepass")).hexdigest()


def prefixes(keys: Iterable[str], length: int = 15) -> list[bytes]:
    """What bounds of columns in manifests have of the keys: 16 characters, of which an upper bound counts the
    last one up."""
    return [key[:length].encode("utf-8", "surrogatepass") for key in keys]


def _spellings(key: str) -> set[bytes]:
    as_json, in_ascii = json.dumps(key, ensure_ascii=False)[1:-1], json.dumps(key)[1:-1]
    texts = (key, as_json, in_ascii, key.replace('"', '""'))
    return {text.encode("utf-8", "surrogatepass") for text in texts}


def _envelope_key(body: str) -> str | None:
    """The key that a message gives itself; None where it gives none, so that the id in SQS is its key."""
    try:
        envelope = json.loads(body, parse_int=str, parse_float=str)
    except ValueError:
        return _key_in_text(body)
    if not isinstance(envelope, dict) or not _is_envelope(envelope):
        return None
    return next((_as_kept(str(envelope[name])) for name in _ENVELOPE if _is_usable(envelope.get(name))), None)


def _is_envelope(body: Mapping[str, Any]) -> bool:
    """Whether a body is an envelope, and not a payload as a whole.
    packages/common/src/core/envelope/read-envelope.ts is the twin."""
    return "payload" in body and ("topic_name" in body or body.keys() <= _MEMBERS)


def _as_kept(key: str) -> str:
    """A key as tables have it: half a surrogate pair is no character, and became U+FFFD on its way."""
    return key.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _is_usable(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= 1024


def _key_in_text(body: str) -> str | None:
    """The key of an envelope whose payload is broken. Of members that are there twice, the last one
    counts."""
    found: dict[str, str] = {}
    for name, text in _NAMED_KEY.findall(body):
        try:
            found[name] = str(json.loads(text, parse_int=str, parse_float=str))
        except ValueError:
            continue
    return next((_as_kept(found[name]) for name in _ENVELOPE if _is_usable(found.get(name))), None)
