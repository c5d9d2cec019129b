from __future__ import annotations

import pytest

from gateway.settings import HttpSettings
from meshkit.settings import Reader, SettingsError


def test_without_settings_no_page_of_another_origin_may_call() -> None:
    assert HttpSettings.read(Reader({})) == HttpSettings()


def test_every_setting_is_read() -> None:
    settings = HttpSettings.read(
        Reader(
            {
                "RAMPART_CORS_ORIGINS": "https://shop.example, http://localhost:3000,",
                "RAMPART_HSTS_SECONDS": "86400",
                "RAMPART_COMPRESS_FROM": "0",
                "RAMPART_MAX_CONNECTIONS": "100",
                "RAMPART_CACHE_BYTES": "0",
            }
        )
    )
    assert settings == HttpSettings(("https://shop.example", "http://localhost:3000"), 86_400, 0, 100, 0)
    assert settings.limits.connections == 100


@pytest.mark.parametrize("origins", ["shop.example", "https://shop.example/", "null", "https://*.example"])
def test_origin_that_no_browser_sends_stops_the_process(origins: str) -> None:
    with pytest.raises(SettingsError, match="RAMPART_CORS_ORIGINS"):
        HttpSettings.read(Reader({"RAMPART_CORS_ORIGINS": origins}))
