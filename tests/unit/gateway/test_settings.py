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


def test_one_address_holds_a_part_of_the_connections_and_as_many_as_a_setting_says() -> None:
    limits = HttpSettings.read(Reader({})).limits
    assert (limits.connections, limits.of_an_address, limits.of_this_machine) == (16_384, 1_024, 12_288)
    own = HttpSettings.read(Reader({"RAMPART_ADDRESS_CONNECTIONS": "7"})).limits
    assert (own.of_an_address, own.of_this_machine) == (7, 7)


def test_metrics_are_public_only_if_a_setting_says_so() -> None:
    assert not HttpSettings.read(Reader({})).public_metrics
    assert HttpSettings.read(Reader({"RAMPART_PUBLIC_METRICS": "on"})).public_metrics


@pytest.mark.parametrize("origins", ["shop.example", "https://shop.example/", "null", "https://*.example"])
def test_origin_that_no_browser_sends_stops_the_process(origins: str) -> None:
    with pytest.raises(SettingsError, match="RAMPART_CORS_ORIGINS"):
        HttpSettings.read(Reader({"RAMPART_CORS_ORIGINS": origins}))
