"""What the claims of an access token have to say, each one on its own."""

from __future__ import annotations

from typing import Any

import pytest

from meshkit.context import Confirmation
from meshkit.errors import Kind, MeshError
from meshkit.identity.claims import LEEWAY, TrustedIssuer, check_times, read_principal, tenant_audience
from meshkit.identity.roles import Roles
from tests.support.tokens import AUDIENCE, ISSUER, TENANT, TRUSTED, Issuer

NOW = 1_800_000_000.0
OTHER_TENANT = "01a1fc5a-3c5b-7002-bc8a-22bbe467f00d"
OURS = tenant_audience(AUDIENCE, TENANT)
THUMBPRINT = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"
FOREIGN = TrustedIssuer.foreign(ISSUER, AUDIENCE)


@pytest.fixture(scope="module")
def issuer() -> Issuer:
    return Issuer()


def refusal(claims: dict[str, Any], trusted: TrustedIssuer = TRUSTED) -> str:
    with pytest.raises(MeshError) as caught:
        read_principal(claims, trusted)
    assert (caught.value.kind, caught.value.reason) == (Kind.UNAUTHENTICATED, "TOKEN_INVALID")
    return caught.value.message


def test_audience_names_the_platform_and_the_tenant() -> None:
    assert tenant_audience("rampart", "t-1") == "rampart/t-1"


@pytest.mark.parametrize(
    "audience",
    [AUDIENCE, f"{AUDIENCE}/", TENANT, f"{AUDIENCE}/*", tenant_audience(AUDIENCE, OTHER_TENANT),
     tenant_audience("other", TENANT), OURS + "/", OURS.upper(), [AUDIENCE, tenant_audience(AUDIENCE, OTHER_TENANT)]],
    ids=str,
)  # fmt: skip
def test_token_for_anything_but_the_api_of_its_tenant_is_refused(issuer: Issuer, audience: Any) -> None:
    assert "is for another audience" in refusal(issuer.claims(NOW, aud=audience))


def test_tenant_cannot_be_changed_below_an_audience(issuer: Issuer) -> None:
    assert "is for another audience" in refusal(issuer.claims(NOW, aud=OURS, tenant_id=OTHER_TENANT))


@pytest.mark.parametrize("audience", [[OURS] * 17, [OURS, 7], [OURS, None], {OURS: 1}, 7, None, True], ids=str)
def test_audience_of_another_shape_is_refused(issuer: Issuer, audience: Any) -> None:
    assert "unusable" in refusal(issuer.claims(NOW, aud=audience))


@pytest.mark.parametrize("role", sorted(Roles.declared().grants))
def test_every_role_is_known(issuer: Issuer, role: str) -> None:
    assert read_principal(issuer.claims(NOW, roles=[role]), TRUSTED).roles == {role}


def test_unknown_roles_are_left_out(issuer: Issuer) -> None:
    roles = ["emperor", "viewer", "analyst", "Owner", ""]
    assert read_principal(issuer.claims(NOW, roles=roles), TRUSTED).roles == {"viewer", "analyst"}


@pytest.mark.parametrize(
    "roles", [[], ["emperor"], "owner", {"owner": True}, None, [["owner"]], ["owner", 7], ["owner"] * 17], ids=str
)
def test_roles_that_say_nothing_are_refused(issuer: Issuer, roles: Any) -> None:
    assert "lacks roles" in refusal(issuer.claims(NOW, roles=roles))


def test_issuer_of_others_names_its_own_audience_and_needs_no_roles(issuer: Issuer) -> None:
    claims = issuer.claims(NOW, aud=AUDIENCE)
    del claims["roles"]
    assert read_principal(claims, FOREIGN).roles == frozenset()
    assert "lacks roles" in refusal(claims | {"aud": OURS})
    assert "is for another audience" in refusal(claims | {"aud": OURS}, FOREIGN)


@pytest.mark.parametrize("method", ["jkt", "x5t#S256"])
def test_token_says_what_it_is_bound_to(issuer: Issuer, method: str) -> None:
    principal = read_principal(issuer.claims(NOW, cnf={method: THUMBPRINT}), TRUSTED)
    assert principal.confirmation == Confirmation(method, THUMBPRINT)


@pytest.mark.parametrize(
    "confirmation",
    [{}, None, [], THUMBPRINT, {"jkt": None}, {"jkt": THUMBPRINT[:-1]}, {"jkt": THUMBPRINT + "A"},
     {"jkt": THUMBPRINT + "="}, {"jkt": THUMBPRINT[:-1] + "J"}, {"jkt": "+" + THUMBPRINT[1:]},
     {"jkt": THUMBPRINT + "\n"}, {"jkt": [THUMBPRINT]}, {"kid": THUMBPRINT}, {"jwk": {}}, {"JKT": THUMBPRINT},
     {"x5t": THUMBPRINT}, {"jkt": THUMBPRINT, "x5t#S256": THUMBPRINT}, {"jkt": THUMBPRINT, "new": 1}],
    ids=str,
)  # fmt: skip
def test_token_bound_to_what_cannot_be_checked_is_refused(issuer: Issuer, confirmation: Any) -> None:
    assert "lacks cnf" in refusal(issuer.claims(NOW, cnf=confirmation))


def test_token_belongs_to_a_session_or_to_none(issuer: Issuer) -> None:
    assert read_principal(issuer.claims(NOW), TRUSTED).session_id == ""
    assert read_principal(issuer.claims(NOW, sid="session-1"), TRUSTED).session_id == "session-1"


@pytest.mark.parametrize("name", ["sid", "sub", "jti", "client_id", "tenant_id"])
@pytest.mark.parametrize("value", ["", "x" * 256, "a\nb", "a\0b", 7, None, ["x"]], ids=repr)
def test_name_is_short_and_printable(issuer: Issuer, name: str, value: Any) -> None:
    assert f"lacks {name}" in refusal(issuer.claims(NOW, **{name: value}))


@pytest.mark.parametrize("value", ["soon", None, True, -1, [], 1e13], ids=repr)
def test_time_of_authentication_is_a_time(issuer: Issuer, value: Any) -> None:
    read_principal(issuer.claims(NOW, auth_time=NOW - 60), TRUSTED)
    assert "lacks auth_time" in refusal(issuer.claims(NOW, auth_time=value))


@pytest.mark.parametrize(
    "scope", ["a  b", " a", "a ", "a\tb", "a\u00a0b", 'a"b', "a\\b", "a\u00e9", "x" * 4097], ids=repr
)
def test_scope_is_written_as_oauth_writes_it(issuer: Issuer, scope: str) -> None:
    assert "lacks scope" in refusal(issuer.claims(NOW, scope=scope))


@pytest.mark.parametrize("currency", ["", "usd", "US", "USDT", "US1", "US\u0394"])
def test_currency_is_written_as_iso_4217_writes_it(issuer: Issuer, currency: str) -> None:
    assert "lacks currency" in refusal(issuer.claims(NOW, currency=currency))


@pytest.mark.parametrize("classes", [{str(number): 1 for number in range(17)}, {"": 1}, {"x" * 129: 1}], ids=len)
def test_quota_has_few_classes_with_names(issuer: Issuer, classes: dict[str, int]) -> None:
    assert "lacks quota" in refusal(issuer.claims(NOW, quota={"classes": classes}))


def test_clocks_may_differ_by_less_than_a_minute_and_an_expired_token_is_no_good(issuer: Issuer) -> None:
    assert LEEWAY <= 60
    assert check_times(issuer.claims(NOW), NOW) == NOW + 3600
    assert check_times(issuer.claims(NOW + LEEWAY, nbf=NOW + LEEWAY), NOW) == NOW + LEEWAY + 3600
    for claims, words in (
        ({"iat": NOW + LEEWAY + 1}, "is not valid yet"),
        ({"nbf": NOW + LEEWAY + 1}, "is not valid yet"),
        ({"exp": NOW}, "has expired"),
    ):
        with pytest.raises(MeshError, match=words):
            check_times(issuer.claims(NOW, **claims), NOW)


def test_scope_that_no_role_of_the_subject_has_counts_for_nothing(issuer: Issuer) -> None:
    claims = issuer.claims(NOW, scope="decision:read pii:read scenario:publish", roles=["viewer"])
    assert read_principal(claims, TRUSTED).scopes == {"decision:read"}


def test_scopes_of_all_roles_of_the_subject_count(issuer: Issuer) -> None:
    claims = issuer.claims(NOW, scope="decision:create pii:read", roles=["analyst", "developer"])
    assert read_principal(claims, TRUSTED).scopes == {"decision:create", "pii:read"}


def test_scopes_of_an_issuer_of_others_stand_for_themselves(issuer: Issuer) -> None:
    assert read_principal(issuer.claims(NOW, aud=AUDIENCE, scope="book:read"), FOREIGN).scopes == {"book:read"}
