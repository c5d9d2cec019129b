"""Messages of the user service."""

from __future__ import annotations

from ._gen.rampart.user.v1 import *  # noqa: F403
