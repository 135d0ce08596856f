"""Computes Iceberg's bucket transform for text, by
https://iceberg.apache.org/spec/#appendix-b-32-bit-hash-requirements

The hash is MurmurHash3, in its 32-bit variant for x86 with seed 0. Glue has no library for it. Arrow computes
it for all texts of one length at once, as its unsigned integers wrap around as the hash requires; the
functions at the end do the same for one text in Python. tests/glue/tables/test_table_files.py holds both to a
library.
"""

import pyarrow as pa
import pyarrow.compute as pc

from lean_ops.columns.row_indices import indices_by_value, true_indices

_C1, _C2, _ADDED = 0xCC9E2D51, 0x1B873593, 0xE6546B64
_LAST1, _LAST2 = 0x85EBCA6B, 0xC2B2AE35
_BLOCK = 4
_MASK = 0xFFFFFFFF
_MIN_TEXTS_FOR_ARROW = 50
"""For fewer texts of one length, Python is faster than Arrow's calls for each block. Otherwise a single long
key would hold up its topic."""


def buckets(texts: pa.Array, count: int) -> pa.Array:
    """The bucket of each text, as int32; null for null. count: how many buckets there are."""
    there = true_indices(pc.is_valid(texts))
    data = texts.take(there).cast(pa.binary())
    row_indices, found = [], []
    for length, inside in indices_by_value(pc.binary_length(data)).items():
        row_indices.append(there.take(inside))
        found.append(_hashes(data.take(inside), length))
    if not found:
        return pa.nulls(len(texts), pa.int32())
    hashes = pc.bit_wise_and(pa.concat_arrays(found), _word(0x7FFFFFFF)).cast(pa.int64())
    # Arrow has no function for the remainder.
    result = pc.subtract(hashes, pc.multiply(pc.divide(hashes, count), count)).cast(pa.int32())
    rows = pa.array(range(len(texts)), pa.uint64())
    return result.take(pc.index_in(rows, value_set=pa.concat_arrays(row_indices)))


def _hashes(data: pa.Array, length: int) -> pa.Array:
    """The hashes, as uint32, of binaries that all have the given length."""
    if len(data) < _MIN_TEXTS_FOR_ARROW:
        return pa.array([murmur3(one) for one in data.to_pylist()], pa.uint32())
    value = pa.repeat(_word(0), len(data))
    whole = length - length % _BLOCK
    for start in range(0, whole, _BLOCK):
        value = pc.bit_wise_xor(value, _mixed(_words(data, start)))
        value = pc.add(pc.multiply(_rotated(value, 13), _word(5)), _word(_ADDED))
    if whole < length:
        value = pc.bit_wise_xor(value, _mixed(_words(data, whole, _BLOCK - length % _BLOCK)))
    value = pc.bit_wise_xor(value, _word(length))
    value = pc.multiply(_xor_shifted(value, 16), _word(_LAST1))
    value = pc.multiply(_xor_shifted(value, 13), _word(_LAST2))
    return _xor_shifted(value, 16)


def _words(data: pa.Array, start: int, padding: int = 0) -> pa.Array:
    """The four bytes at `start` of each binary, as a little-endian number.

    padding: how many of the four bytes are missing and taken as zeros.
    """
    part = pc.binary_slice(data, start, start + _BLOCK)
    if padding:
        part = pc.binary_join_element_wise(part, b"\0" * padding, b"")
    return part.cast(pa.binary(_BLOCK)).view(pa.uint32())


def _mixed(words: pa.Array) -> pa.Array:
    return pc.multiply(_rotated(pc.multiply(words, _word(_C1)), 15), _word(_C2))


def _rotated(values: pa.Array, bits: int) -> pa.Array:
    return pc.bit_wise_or(pc.shift_left(values, _word(bits)), pc.shift_right(values, _word(32 - bits)))


def _xor_shifted(values: pa.Array, bits: int) -> pa.Array:
    return pc.bit_wise_xor(values, pc.shift_right(values, _word(bits)))


def _word(value: int) -> pa.Scalar:
    return pa.scalar(value, pa.uint32())


def murmur3(data: bytes) -> int:
    """The hash of one text, in Python. It is the twin of _hashes."""
    value = 0
    whole = len(data) - len(data) % _BLOCK
    for start in range(0, whole, _BLOCK):
        value ^= _mix(int.from_bytes(data[start : start + _BLOCK], "little"))
        value = (_rotate(value, 13) * 5 + _ADDED) & _MASK
    if whole < len(data):
        value ^= _mix(int.from_bytes(data[whole:], "little"))
    value ^= len(data)
    value = ((value ^ value >> 16) * _LAST1) & _MASK
    value = ((value ^ value >> 13) * _LAST2) & _MASK
    return value ^ value >> 16


def _mix(block: int) -> int:
    return (_rotate((block * _C1) & _MASK, 15) * _C2) & _MASK


def _rotate(value: int, bits: int) -> int:
    return (value << bits | value >> (32 - bits)) & _MASK
