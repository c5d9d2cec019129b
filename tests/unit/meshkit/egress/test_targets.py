"""Which URLs requests may lead to."""

from __future__ import annotations

import pytest

from meshkit.egress.errors import EgressError
from meshkit.egress.targets import read_egress_allow, read_target
from meshkit.settings import SettingsError


def test_url_is_taken_apart() -> None:
    target = read_target("https://id.example:8443/realms/a?x=1", [])
    assert (target.host, target.port, target.path, target.authority, target.opened) == (
        "id.example", 8443, "/realms/a?x=1", "id.example:8443", False,
    )  # fmt: skip
    assert read_target("https://[2606:4700::1]", []).authority == "[2606:4700::1]"


@pytest.mark.parametrize(
    "url",
    [
        "http://id.example/", "ftp://id.example/", "file:///etc/passwd", "https://", "https://user@id.example/",
        "https://id.example\\@other.example/", "https://id.example/#part", "https://id.example/a b",
        "https://id.example/\r\nX: 1", "https://id.example:99999/", "https://id_example/", "https://-a.example/",
        "https://ïd.example/", "https://[::1%251]/", "//id.example/", "https://id.example./", "https://" + "a" * 3000,
    ],
)  # fmt: skip
def test_other_url_is_refused(url: str) -> None:
    with pytest.raises(EgressError, match="url"):
        read_target(url, [])


def test_setting_opens_the_origins_that_it_names_and_no_other() -> None:
    opened = read_egress_allow("RAMPART_X", "http://127.0.0.1:8080, https://id.internal")
    assert read_target("http://127.0.0.1:8080/a", opened).opened
    assert read_target("https://id.internal/a", opened).opened
    assert not read_target("https://id.internal:444/a", opened).opened
    with pytest.raises(EgressError):
        read_target("http://127.0.0.1:8081/a", opened)
    assert read_egress_allow("RAMPART_X", "") == frozenset()


@pytest.mark.parametrize("text", ["id.internal", "http://id.internal/", "https://id.internal:443", "*"])
def test_setting_of_something_else_is_refused(text: str) -> None:
    with pytest.raises(SettingsError, match="RAMPART_X must be origins"):
        read_egress_allow("RAMPART_X", text)
