"""What the command line of the stand-alone gateway says."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.server.limits import Limits
from gateway.standalone.options import read_options
from meshkit.identity.claims import TrustedIssuer


@pytest.mark.parametrize(
    ("more", "limits"),
    [([], Limits()), (["--address-connections", "5"], Limits(of_an_address=5, of_this_machine=5))],
)
def test_an_address_holds_what_is_said_wherever_it_is(tmp_path: Path, more: list[str], limits: Limits) -> None:
    (tmp_path / "set.binpb").touch()
    assert read_options(["--descriptors", str(tmp_path / "set.binpb"), "--routes", *more]).limits == limits


def test_tokens_are_of_somebody_else_who_knows_nothing_of_our_tenants_and_roles(tmp_path: Path) -> None:
    (tmp_path / "set.binpb").touch()
    said = ["--issuer", "https://id.example", "--audience", "api"]
    options = read_options(["--descriptors", str(tmp_path / "set.binpb"), "--routes", *said])
    assert options.trusted == TrustedIssuer.foreign("https://id.example", "api")
