"""Typed client of Rampart for teams that call it over gRPC. See `Rampart` and `Config`."""

from __future__ import annotations

from ._call import CallOptions
from .client import Rampart
from .config import Config
from .errors import RampartError, Violation

__all__ = ["CallOptions", "Config", "Rampart", "RampartError", "Violation"]
