"""Messages of the cases service. Generated from services/table.toml by tools/services.py."""

from __future__ import annotations

from ._gen.rampart.cases.v1 import *  # noqa: F403
