"""Makes the page of each step of an attempt to sign in."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from rampart.auth.v1 import sign_in_pb2 as pb

from gateway.product.identity.answers import Page
from gateway.product.identity.failures import INPUT
from gateway.product.identity.fields import NOTHING, alert, field, notice
from gateway.product.identity.markup import Html, fill, joined, template

__all__ = ["Shown", "step_page"]

_REQUIRED = Html(' required spellcheck="false" autocapitalize="none"')
_FACTORS = {
    pb.FACTOR_PASSKEY: "factor_passkey",
    pb.FACTOR_TOTP: "factor_totp",
    pb.FACTOR_RECOVERY_CODE: "factor_recovery",
}
"""Templates of the factors, in the order in which they are offered."""
_CODE = Html(' required inputmode="numeric" spellcheck="false" maxlength="11"')

_OWN_SIGN_IN = "your organisation's own sign-in"


@dataclass(frozen=True, slots=True)
class Shown:
    """What a page shows beside where the attempt stands."""

    wrong: str = ""
    """What is wrong with what was typed."""
    status: int = INPUT
    """HTTP status of a page with something wrong."""
    told: str = ""
    """What the person is told when the page opens."""
    tenant: str = ""
    email: str = ""
    """What was typed."""


def step_page(state: pb.SignIn, attempt: str, shows: Shown = Shown()) -> Page:
    """Returns the page on which an attempt goes on that is not done."""
    if state.step == pb.SIGN_IN_STEP_ENROL:
        return Page("enrol", "Set up a second factor", {"where": _where(state), "attempt": attempt})
    if state.step == pb.SIGN_IN_STEP_SECOND_FACTOR:
        return _factor_page(state, shows)
    if state.step == pb.SIGN_IN_STEP_CONSENT:
        return _consent_page(state)
    return _sign_in_page(state, shows)


def _sign_in_page(state: pb.SignIn, shows: Shown) -> Page:
    wrong, tenant_known = bool(shows.wrong), bool(state.tenant or shows.tenant)
    email = shows.email or state.email
    values = {
        "purpose": _purpose(state),
        "alert": alert(shows.wrong) or notice(shows.told),
        "tenant": NOTHING if state.tenant else _tenant_field(shows.tenant, wrong=wrong),
        "email": field(
            "email",
            "E-mail address",
            kind="email",
            autocomplete="username webauthn",
            value=email,
            more=_REQUIRED,
            wrong=wrong,
            focus=tenant_known and not email,
        ),
        "password": _password_field(wrong=wrong, focus=tenant_known and bool(email)),
        "provider": _provider(state),
    }
    status = shows.status if wrong else 200
    return Page("sign_in", "Sign in", values, status, script=True, leads_to=state.redirect_uri)


def _password_field(*, wrong: bool, focus: bool) -> Html:
    return field(
        "password",
        "Password",
        kind="password",
        autocomplete="current-password",
        more=Html(" required"),
        wrong=wrong,
        focus=focus,
    )


def _tenant_field(typed: str, *, wrong: bool) -> Html:
    return field(
        "tenant",
        "Organisation",
        autocomplete="organization",
        value=typed,
        more=_REQUIRED,
        wrong=wrong,
        focus=not typed,
        hint="The name that your organisation has here, such as acme.",
    )


def _purpose(state: pb.SignIn) -> Html:
    where = _where(state)
    if state.user_code:
        return fill('<p class="lead">to connect a device{{where}}</p>', where=where)
    if not state.client_name:
        return fill('<p class="lead">to your account{{where}}</p>', where=where)
    client = fill("<b><bdi>{{name}}</bdi></b>", name=state.client_name)
    return fill('<p class="lead">to continue to {{client}}{{where}}</p>', client=client, where=where)


def _where(state: pb.SignIn) -> Html:
    return fill(" at <b><bdi>{{tenant}}</bdi></b>", tenant=state.tenant) if state.tenant else NOTHING


def _provider(state: pb.SignIn) -> Html:
    """Leads to the organisation's own provider: to that of the organisation that is typed where none is known."""
    name = state.provider or ("" if state.tenant else _OWN_SIGN_IN)
    return fill(template("provider").rstrip(), name=name) if name else NOTHING


def _factor_page(state: pb.SignIn, shows: Shown) -> Page:
    wrong, factors = bool(shows.wrong), [_FACTORS[each] for each in _FACTORS if each in state.factors]
    values = {
        "purpose": _purpose(state),
        "alert": alert(shows.wrong),
        "open": Html(" open" if factors == ["factor_recovery"] else ""),
        "code": field(
            "totp_code",
            "Code of your authenticator app",
            autocomplete="one-time-code",
            more=_CODE,
            wrong=wrong,
            focus=True,
            hint="Six digits. Each is good once.",
        ),
        "recovery": field(
            "recovery_code", "Recovery code", autocomplete="off", more=_REQUIRED, hint="Each is good once."
        ),
    }
    return Page(
        "factor",
        "One more step",
        values,
        shows.status if wrong else 200,
        factors,
        script=pb.FACTOR_PASSKEY in state.factors,
        leads_to=state.redirect_uri,
    )


def _consent_page(state: pb.SignIn) -> Page:
    scopes = joined(
        fill(
            "<li><b>{{words}}</b> <code>{{name}}</code></li>",
            words=each.description.replace("`", "") or each.name,
            name=each.name,
        )
        for each in state.scopes
    )
    device = fill(template("consent_device"), code=state.user_code) if state.user_code else NOTHING
    values = {
        "client": state.client_name or "A program",
        "email": state.email,
        "where": _where(state),
        "scopes": scopes or Html("<li>Nothing but who you are.</li>"),
        "device": device,
        "onward": _onward(state.redirect_uri),
    }
    return Page("consent", "Allow access?", values, leads_to=state.redirect_uri)


def _onward(redirect_uri: str) -> Html:
    """Says whom the answer goes to: programs choose their names, but not their addresses."""
    host = urlsplit(redirect_uri).netloc
    return fill('<p class="lead">You then go on to <b><bdi>{{host}}</bdi></b>.</p>', host=host) if host else NOTHING
