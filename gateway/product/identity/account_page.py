"""Makes the page of a person's own account, and those on which it goes on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rampart.auth.v1 import account_pb2 as pb
from rampart.auth.v1 import session_pb2

from gateway.product.identity.answers import Page
from gateway.product.identity.failures import INPUT
from gateway.product.identity.fields import NOTHING, alert, field, notice
from gateway.product.identity.link import password_fields
from gateway.product.identity.markup import Html, fill, joined, template

__all__ = ["Shows", "Told", "account_page", "codes_page", "totp_page"]

_NOTICES = {
    "ended": "It is ended, and refused everywhere within seconds.",
    "consent": "It is taken back. The program can do nothing for you until you allow it again.",
    "passkey-new": "The passkey is registered.",
    "passkey-removed": "The passkey is removed.",
    "passkey-renamed": "The passkey has its new name.",
    "totp-off": "The authenticator app is off.",
    "totp-on": "The authenticator app is on.",
}
_NEW_NAME = Html(' required maxlength="100"')
_NO_CONSENT = Html('<p class="quiet">You have allowed none.</p>')
_CONSENTS = Html(
    '<p class="quiet">Signing in for these asks no more. Taking one back ends all that the program does for you.</p>'
)
_NO_PASSKEY = Html('<p class="quiet">You have none yet.</p>')
_OPEN = Html(" open")


@dataclass(frozen=True, slots=True)
class Told:
    """What the page tells beside what the account is."""

    done: str = ""
    """Name of what has been done."""
    wrong: str = ""
    """What is wrong."""
    place: str = ""
    """Name of the section where it is wrong; empty for the whole page."""
    status: int = INPUT
    """HTTP status if something is wrong."""


@dataclass(frozen=True, slots=True)
class Shows:
    """What there is to show."""

    account: pb.Account
    passkeys: Sequence[pb.Passkey]
    sessions: Sequence[session_pb2.Session]
    consents: Sequence[session_pb2.Consent] = ()
    attempt: str = ""
    """Identifier of an attempt that waits for a second factor; empty for none."""


def account_page(form: Html, shows: Shows, told: Told = Told()) -> Page:
    """Returns the page of an account. `form` is what each of its many forms holds."""
    account = shows.account
    values = {
        "alert": alert(told.wrong if not told.place else "") or notice(_NOTICES.get(told.done, "")),
        "email": account.email or account.subject,
        "name": account.display_name,
        "tenant": account.tenant or account.tenant_id,
        "roles": ", ".join(account.roles) or "none",
        "password": _password(form, told),
        "totp": fill(template("account_totp_on" if "totp" in account.factors else "account_totp_off"), form=form),
        "passkeys": joined(_passkey(form, each) for each in shows.passkeys) or _NO_PASSKEY,
        "sessions": joined(_session(form, each) for each in shows.sessions),
        "consents": joined([_CONSENTS, *(_consent(form, each) for each in shows.consents)])
        if shows.consents
        else _NO_CONSENT,
        "waiting": fill(template("account_waiting"), attempt=shows.attempt) if shows.attempt else NOTHING,
        "passkey_alert": _alert_at("passkey", told),
        "new_name": field("name", "Name for a new one", autocomplete="off", value="Passkey", more=_NEW_NAME),
        "codes_left": _codes_left(account.recovery_codes_left),
    }
    return Page("account", "Your account", values, told.status if told.wrong else 200, script=True)


def totp_page(image: Html, secret: str, uri: str, wrong: str = "", status: int = INPUT) -> Page:
    """Returns the page that shows the secret of one-time passwords and asks for a code of it."""
    code = field(
        "code",
        "Code that the app shows",
        autocomplete="one-time-code",
        more=Html(' required inputmode="numeric" spellcheck="false" maxlength="11"'),
        hint="Six digits. It shows that the secret has arrived.",
        wrong=bool(wrong),
        focus=bool(wrong),
    )
    values = {"image": image, "secret": secret, "uri": uri, "code": code, "alert": alert(wrong)}
    values["shown"] = " ".join(secret[start : start + 4] for start in range(0, len(secret), 4))
    return Page("account_totp", "Authenticator app", values, status if wrong else 200)


def codes_page(codes: Iterable[str]) -> Page:
    """Returns the page that shows new recovery codes, this once."""
    items = joined(fill("<li>{{code}}</li>", code=code) for code in codes)
    return Page("account_codes", "Recovery codes", {"codes": items})


def _password(form: Html, told: Told) -> Html:
    here = told.place == "password"
    old = field(
        "old",
        "Present password",
        kind="password",
        autocomplete="current-password",
        more=Html(" required"),
        wrong=here,
        focus=here,
    )
    values = {"form": form, "open": _OPEN if here else NOTHING, "alert": _alert_at("password", told), "old": old}
    return fill(template("account_password"), **values, **password_fields(wrong=here, focus=False))


def _passkey(form: Html, passkey: pb.Passkey) -> Html:
    when = passkey.use_time.ToDatetime()
    used = f"last used on {when:%Y-%m-%d}" if passkey.HasField("use_time") else "not used yet"
    return fill(template("account_passkey"), form=form, id=passkey.passkey_id, name=passkey.display_name, used=used)


def _session(form: Html, session: session_pb2.Session) -> Html:
    program = session.kind == session_pb2.SESSION_KIND_PROGRAM
    return fill(
        template("account_session"),
        form=form,
        id=session.session_id,
        name=(session.client_name or session.client_id) if program else "A browser",
        here=" (this one)" if session.current else "",
        since=f"since {session.create_time.ToDatetime():%Y-%m-%d}",
        used=f"last used {session.use_time.ToDatetime():%Y-%m-%d %H:%M} UTC",
        scopes=fill('<p class="quiet">{{scopes}}</p>', scopes=", ".join(session.scopes)) if program else NOTHING,
    )


def _consent(form: Html, consent: session_pb2.Consent) -> Html:
    return fill(
        template("account_consent"),
        form=form,
        client=consent.client_id,
        name=consent.client_name,
        since=f"allowed since {consent.create_time.ToDatetime():%Y-%m-%d}",
        scopes=", ".join(consent.scopes),
    )


def _codes_left(count: int) -> str:
    if not count:
        return "You have none."
    return f"{count} of them {'are' if count > 1 else 'is'} left."


def _alert_at(place: str, told: Told) -> Html:
    return alert(told.wrong) if told.place == place else NOTHING
