"""Iceberg's bucket transform for text: https://iceberg.apache.org/spec/#appendix-b-32-bit-hash-requirements"""

_MASK = 0xFFFFFFFF


def bucket(text: str, count: int) -> int:
    return (_murmur3(text.encode()) & 0x7FFFFFFF) % count


def _murmur3(data: bytes) -> int:
    """MurmurHash3, x86 variant of 32 bits, seed 0. Glue has no library for it."""
    value = 0
    whole = len(data) & ~3
    for start in range(0, whole, 4):
        value ^= _mix(int.from_bytes(data[start : start + 4], "little"))
        value = (_rotate(value, 13) * 5 + 0xE6546B64) & _MASK
    if whole < len(data):
        value ^= _mix(int.from_bytes(data[whole:], "little"))
    value ^= len(data)
    value = ((value ^ value >> 16) * 0x85EBCA6B) & _MASK
    value = ((value ^ value >> 13) * 0xC2B2AE35) & _MASK
    return value ^ value >> 16


def _mix(block: int) -> int:
    return (_rotate((block * 0xCC9E2D51) & _MASK, 15) * 0x1B873593) & _MASK


def _rotate(value: int, bits: int) -> int:
    return (value << bits | value >> (32 - bits)) & _MASK
