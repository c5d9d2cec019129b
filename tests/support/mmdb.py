"""Writes small MMDB files (MaxMind DB file format 2.0), so that tests have databases of their own."""

from __future__ import annotations

import ipaddress
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

__all__ = ["mmdb", "replace", "write_mmdb"]

_MARKER = b"\xab\xcd\xefMaxMind.com"
_SEPARATOR = bytes(16)
_DOUBLE, _STRING, _MAP, _UNSIGNED, _BOOLEAN, _ARRAY = 3, 2, 7, 6, 14, 11
_UNSIGNED_16, _UNSIGNED_64 = 5, 9
Node = list[Any]


def write_mmdb(path: Path, records: Mapping[str, Any], *, version: int = 6) -> Path:
    """Puts a database at a path in one step, as an updater would."""
    return replace(path, mmdb(records, version=version))


def replace(path: Path, content: bytes) -> Path:
    """Puts a file at a path in one step."""
    new = path.with_name(path.name + ".new")
    new.write_bytes(content)
    return new.replace(path)


def mmdb(
    records: Mapping[str, Any], *, version: int = 6, record_bits: int = 32, unused: int = 0, aliases: Sequence[str] = ()
) -> bytes:
    """Returns a database of what records say about networks, of IPv4 only or of both families. Later ones win.

    `unused` bytes stand before the records. `aliases` are networks that are those of IPv4 once more.
    """
    root: Node = [None, None]
    data = bytearray(unused)
    offsets: dict[str, int] = {}
    for text, record in records.items():
        key = repr(record)
        if key not in offsets:
            offsets[key] = len(data)
            data += _encoded(record)
        _insert(root, _bits(text, version), offsets[key])
    for text in aliases:
        _insert(root, _bits(text, version), _below(root, 96))
    tree, count = _tree(root, record_bits)
    return tree + _SEPARATOR + bytes(data) + _MARKER + _metadata(count, version, record_bits)


def _below(node: Node, zeros: int) -> Node:
    for _ in range(zeros):
        node = node[0]
    return node


def _bits(text: str, version: int) -> str:
    network = ipaddress.ip_network(text)
    bits = f"{int(network.network_address):0{network.max_prefixlen}b}"[: network.prefixlen]
    return "0" * 96 + bits if version == 6 and network.version == 4 else bits


def _insert(node: Node, bits: str, what: int | Node) -> None:
    for bit in bits[:-1]:
        below = node[int(bit)]
        if not isinstance(below, list):
            below = node[int(bit)] = [below, below]
        node = below
    node[int(bits[-1])] = what


def _tree(root: Node, record_bits: int) -> tuple[bytes, int]:
    """Numbers the nodes and packs each as two records."""
    nodes: list[Node] = [root]
    numbers = {id(root): 0}
    for node in nodes:
        for below in node:
            if isinstance(below, list) and id(below) not in numbers:
                numbers[id(below)] = len(nodes)
                nodes.append(below)
    count = len(nodes)

    def pointer(below: Any) -> int:
        if isinstance(below, list):
            return numbers[id(below)]
        return count if below is None else count + len(_SEPARATOR) + below

    return b"".join(_packed(pointer(node[0]), pointer(node[1]), record_bits) for node in nodes), count


def _packed(left: int, right: int, record_bits: int) -> bytes:
    both = left << record_bits | right
    if record_bits == 28:
        # The byte in the middle has the upper four bits of both.
        both = (left & 0xFF_FFFF) << 32 | left >> 24 << 28 | right
    return both.to_bytes(record_bits // 4, "big")


def _metadata(count: int, version: int, record_bits: int) -> bytes:
    fields = {
        "node_count": _control(_UNSIGNED, 4) + count.to_bytes(4, "big"),
        "record_size": _control(_UNSIGNED_16, 1) + bytes([record_bits]),
        "ip_version": _control(_UNSIGNED_16, 1) + bytes([version]),
        "database_type": _encoded("Test-City"),
        "languages": _encoded(["en"]),
        "binary_format_major_version": _control(_UNSIGNED_16, 1) + b"\x02",
        "binary_format_minor_version": _control(_UNSIGNED_16, 0),
        "build_epoch": _control(_UNSIGNED_64, 4) + (1_700_000_000).to_bytes(4, "big"),
        "description": _encoded({"en": "for tests"}),
    }
    return _control(_MAP, len(fields)) + b"".join(_encoded(name) + value for name, value in fields.items())


def _encoded(value: Any) -> bytes:
    if isinstance(value, bool):
        return _control(_BOOLEAN, int(value))
    if isinstance(value, str):
        text = value.encode()
        return _control(_STRING, len(text)) + text
    if isinstance(value, float):
        return _control(_DOUBLE, 8) + struct.pack(">d", value)
    if isinstance(value, int):
        return _control(_UNSIGNED, 4) + value.to_bytes(4, "big")
    if isinstance(value, list):
        return _control(_ARRAY, len(value)) + b"".join(map(_encoded, value))
    return _control(_MAP, len(value)) + b"".join(_encoded(key) + _encoded(each) for key, each in value.items())


def _control(kind: int, size: int) -> bytes:
    """Returns what stands before a value: its type and its size, up to 284."""
    length, more = (size, b"") if size < 29 else (29, bytes([size - 29]))
    return bytes([kind << 5 | length]) + more if kind < 8 else bytes([length, kind - 7]) + more
