"""Messages of the fraud service."""

from __future__ import annotations

from ._gen.rampart.fraud.v1 import *  # noqa: F403
