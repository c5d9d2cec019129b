from __future__ import annotations

import pytest

from meshkit.identity.policy import policies
from meshkit.rpc.keys import AUTH_SERVICE, KEPT_SECONDS
from meshkit.settings import SettingsError
from services.auth.settings import check_rotation, pages_of, read_origins


def test_a_key_is_published_for_longer_than_anybody_goes_by_an_older_set() -> None:
    assert policies([AUTH_SERVICE])["/rampart.auth.v1.AuthService/GetJwks"].max_age <= KEPT_SECONDS == 75
    check_rotation(180, 30)
    check_rotation(105, 30)
    for publish, check in ((104, 30), (0, 30), (180, 120)):
        with pytest.raises(SettingsError, match="RAMPART_KEY_PUBLISH_SECONDS must be"):
            check_rotation(publish, check)


@pytest.mark.parametrize(
    ("issuer", "host", "origin"),
    [
        ("https://pay.example.com", "pay.example.com", "https://pay.example.com"),
        ("https://pay.example.com:8443/auth", "pay.example.com", "https://pay.example.com:8443"),
        ("http://127.0.0.1:8080", "localhost", "http://localhost:8080"),
    ],
)
def test_passkeys_are_for_the_pages_of_the_issuer(issuer: str, host: str, origin: str) -> None:
    assert pages_of(issuer) == (host, origin)
    assert read_origins(origin) == (origin,)


@pytest.mark.parametrize("text", ["pay.example.com", "https://pay.example.com/", "https://a.example, ftp://b.example"])
def test_what_is_no_origin_is_refused(text: str) -> None:
    with pytest.raises(SettingsError, match="RAMPART_PASSKEY_ORIGINS must be origins"):
        read_origins(text)
