from __future__ import annotations

import pytest

from gateway.edge.ratelimit import LimitSettings
from meshkit.settings import Reader, SettingsError

REDIS = {"RAMPART_REDIS_URL": "redis://127.0.0.1"}


@pytest.mark.parametrize(
    ("environment", "settings"),
    [
        ({}, LimitSettings()),
        ({"RAMPART_ADDRESS_RATE": "9", "RAMPART_FAILED_TOKEN_RATE": "2"}, LimitSettings(9, 2)),
        (REDIS | {"RAMPART_STRICT_RATE_CLASSES": "write"}, LimitSettings(strict_classes=frozenset({"write"}))),
        (
            REDIS | {"RAMPART_STRICT_RATE_CLASSES": " write, decision,"},
            LimitSettings(strict_classes=frozenset({"write", "decision"})),
        ),
    ],
)
def test_settings_are_read(environment: dict[str, str], settings: LimitSettings) -> None:
    assert LimitSettings.read(Reader(environment)) == settings


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({"RAMPART_ADDRESS_RATE": "0"}, "RAMPART_ADDRESS_RATE must be"),
        ({"RAMPART_FAILED_TOKEN_RATE": "-1"}, "RAMPART_FAILED_TOKEN_RATE must be"),
        (REDIS | {"RAMPART_STRICT_RATE_CLASSES": "writes"}, "must be some of decision, read, write"),
        (REDIS | {"RAMPART_STRICT_RATE_CLASSES": "internal"}, "must be some of"),
        (REDIS | {"RAMPART_STRICT_RATE_CLASSES": "public"}, "must be some of"),
        ({"RAMPART_STRICT_RATE_CLASSES": "write"}, "needs RAMPART_REDIS_URL"),
    ],
)
def test_unusable_setting_is_named(environment: dict[str, str], words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        LimitSettings.read(Reader(environment))
