"""Erases keys from what lies beside the tables: dead letters and bodies on their way there, what Firehose
could not deliver, results of queries, and what functions remember of messages.

An object goes after the items that name it, so that a run which was killed in between finds it again.
"""

import base64
import binascii
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from lean_ops.forget.keys import Forgotten
from lean_ops.ports.interfaces import Archive

_UNKNOWN = "_unknown"
_ERROR_OBJECTS = "_error_objects"
_ATTRIBUTES = ".attributes.json"
_RESULTS = "athena-results/"


@dataclass(frozen=True)
class _Find:
    """Something with a key. kind: a name of KINDS. count: how many records, or 1. erase: deletes it."""

    kind: str
    count: int
    erase: Callable[[], None]


KINDS = ("dead_letters", "overflow", "error_records", "error_objects_unreadable", "query_results")


@dataclass(frozen=True, kw_only=True)
class ArchiveErasure:
    """What erasing needs. noted: what an earlier run of the operation had found. note: keeps what was found,
    for a later run, before any of it goes."""

    archive: Archive
    archive_bucket: str
    lake_bucket: str
    forgotten: Forgotten
    noted: Mapping[str, int] = field(default_factory=dict)
    note: Callable[[Mapping[str, int]], None] = lambda _: None

    def run(self) -> Mapping[str, int]:
        """Erases the keys. Returns how many objects, or records, were found by kind; error_objects_unreadable
        are objects of Firehose's that hold a key and that nobody can take apart, so they stay. It can be
        repeated."""
        finds = [*self._letters(), *self._overflow(), *self._error_objects(), *self._query_results()]
        counts = dict.fromkeys(KINDS, 0)
        for one in finds:
            counts[one.kind] += one.count
        counts = {kind: max(count, self.noted.get(kind, 0)) for kind, count in counts.items()}
        self.note(counts)
        for one in finds:
            one.erase()
        for key in sorted(self.forgotten.keys):
            self.archive.delete_attempts(key)
        return counts

    def _letters(self) -> Iterator[_Find]:
        for topic in (self.forgotten.topic, _UNKNOWN):
            for key in self.archive.list(self.archive_bucket, f"dlq/{topic}/"):
                letter = _document(self.archive.read(self.archive_bucket, key))
                if letter is not None and self.forgotten.is_of_letter(letter):
                    overflow = letter.get("overflow")
                    body = str(overflow.get("key")) if isinstance(overflow, dict) else None
                    entry = f"{letter.get('failed_at')}#{key.rpartition('/')[2].removesuffix('.json')}"
                    yield _Find("dead_letters", 1, partial(self._delete_letter, key, topic, entry, body))

    def _delete_letter(self, key: str, topic: str, entry: str, body: str | None) -> None:
        if body is not None:
            self._delete_body(body)
        self.archive.delete_entry(topic, entry)
        self.archive.delete(self.archive_bucket, key)

    def _overflow(self) -> Iterator[_Find]:
        """Bodies whose letters are on their way, or were archived without them."""
        for key in self.archive.list(self.archive_bucket, "overflow/"):
            if not key.endswith(_ATTRIBUTES):
                body = self.archive.read(self.archive_bucket, key)
                name = key.rpartition("/")[2]
                if body is not None and self._is_own_body(body.decode("utf-8", "replace"), name):
                    yield _Find("overflow", 1, partial(self._delete_body, key))

    def _is_own_body(self, body: str, message_id: str) -> bool:
        named = _document(body.encode())
        other = named is not None and named.get("topic_name") not in (None, self.forgotten.topic)
        return not other and self.forgotten.is_of_body(body, message_id)

    def _delete_body(self, key: str) -> None:
        if key.startswith("overflow/"):
            self.archive.delete(self.archive_bucket, f"{key}{_ATTRIBUTES}")
            self.archive.delete(self.archive_bucket, key)

    def _error_objects(self) -> Iterator[_Find]:
        entries: dict[str, list[str]] | None = None
        for key in self.archive.list(self.archive_bucket, "firehose-errors/"):
            content = self.archive.read(self.archive_bucket, key) or b""
            _, gone = _without(content, self.forgotten)
            if gone:
                entries = self._entries_by_object() if entries is None else entries
                yield _Find("error_records", gone, partial(self._take_out, key, entries.get(key, ())))
            elif self.forgotten.is_in(content):
                yield _Find("error_objects_unreadable", 1, _nothing)

    def _take_out(self, key: str, entries: Sequence[str]) -> None:
        """Takes the records out of an object of Firehose's. stream-error-reader puts what is left on record
        anew, as the object is another one then."""
        kept, gone = _without(self.archive.read(self.archive_bucket, key) or b"", self.forgotten)
        if gone == 0:
            return
        for name in entries:
            self.archive.delete_entry(self.forgotten.topic, name)
        self.archive.delete_entry(_ERROR_OBJECTS, key)
        if kept.strip():
            self.archive.put(self.archive_bucket, key, kept)
        else:
            self.archive.delete(self.archive_bucket, key)

    def _entries_by_object(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for item in self.archive.entries(self.forgotten.topic):
            found.setdefault(str(item.get("s3_key")), []).append(str(item["failed_at_message_id"]))
        return found

    def _query_results(self) -> Iterator[_Find]:
        for key in self.archive.list(self.lake_bucket, _RESULTS):
            content = self.archive.read(self.lake_bucket, key)
            if content is not None and self.forgotten.is_in(content):
                yield _Find("query_results", 1, partial(self.archive.delete, self.lake_bucket, key))


def _nothing() -> None:
    """What nobody can take apart stays."""


def _document(content: bytes | None) -> dict[str, object] | None:
    try:
        found = json.loads(content or b"")
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _without(content: bytes, forgotten: Forgotten) -> tuple[bytes, int]:
    """An error object without the records of the keys, and how many they were. Whatever is no JSON object of
    Firehose's stays as it is."""
    kept, gone = [], 0
    for text in _segments(content.decode("utf-8", "surrogateescape")):
        if _is_own(text, forgotten):
            gone += 1
        else:
            kept.append(text)
    return "".join(kept).encode("utf-8", "surrogateescape"), gone


def _segments(text: str) -> Iterator[str]:
    """The JSON values of an object, each with the space behind it; what cannot be read is one segment."""
    decoder, at = json.JSONDecoder(), 0
    while at < len(text):
        try:
            _, end = decoder.raw_decode(text, at)
        except ValueError:
            end = text.find("\n", at) + 1 or len(text)
        while end < len(text) and text[end].isspace():
            end += 1
        yield text[at:end]
        at = end


def _is_own(text: str, forgotten: Forgotten) -> bool:
    item = _document(text.encode("utf-8", "surrogateescape"))
    raw = None if item is None else item.get("rawData")
    if not isinstance(raw, str):
        return False
    try:
        return forgotten.is_of_record(
            base64.b64decode(raw, altchars=None if "-" not in raw and "_" not in raw else b"-_")
        )
    except (ValueError, binascii.Error):
        return False
