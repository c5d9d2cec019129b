"""Messages of the auth service. Generated from services/table.toml by tools/services.py."""

from __future__ import annotations

from ._gen.rampart.auth.v1 import *  # noqa: F403
