"""Locates the compiled descriptors of Rampart's protos, with their comments."""

from __future__ import annotations

from pathlib import Path

import rampart
from google.protobuf.descriptor_pb2 import FileDescriptorSet

__all__ = ["DESCRIPTORS", "read_descriptors"]

DESCRIPTORS = Path(next(iter(rampart.__path__))) / "descriptors.binpb"
"""A serialised FileDescriptorSet."""


def read_descriptors() -> FileDescriptorSet:
    """Reads them. Raises OSError and google.protobuf.message.DecodeError."""
    return FileDescriptorSet.FromString(DESCRIPTORS.read_bytes())
