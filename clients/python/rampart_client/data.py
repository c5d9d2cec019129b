"""Messages of the data service."""

from __future__ import annotations

from ._gen.rampart.data.v1 import *  # noqa: F403
