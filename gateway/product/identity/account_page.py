"""Makes the page of a person's own account, and those on which it goes on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from rampart.auth.v1 import account_pb2 as pb

from gateway.product.identity.answers import Page
from gateway.product.identity.failures import INPUT
from gateway.product.identity.fields import NOTHING, alert, field, notice
from gateway.product.identity.link import password_fields
from gateway.product.identity.markup import Html, fill, joined, template

__all__ = ["Told", "account_page", "codes_page", "totp_page"]

_NOTICES = {
    "passkey-new": "The passkey is registered.",
    "passkey-removed": "The passkey is removed.",
    "passkey-renamed": "The passkey has its new name.",
    "totp-off": "The authenticator app is off.",
    "totp-on": "The authenticator app is on.",
}
_NEW_NAME = Html(' required maxlength="100"')
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


def account_page(form: Html, account: pb.Account, passkeys: Iterable[pb.Passkey], told: Told = Told()) -> Page:
    """Returns the page of an account. `form` is what each of its many forms holds."""
    values = {
        "alert": alert(told.wrong if not told.place else "") or notice(_NOTICES.get(told.done, "")),
        "email": account.email or account.subject,
        "name": account.display_name,
        "roles": ", ".join(account.roles) or "none",
        "password": _password(form, told),
        "totp": fill(template("account_totp_on" if "totp" in account.factors else "account_totp_off"), form=form),
        "passkeys": joined(_passkey(form, each) for each in passkeys)
        or Html('<p class="quiet">You have none yet.</p>'),
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


def _codes_left(count: int) -> str:
    if not count:
        return "You have none."
    return f"{count} of them {'are' if count > 1 else 'is'} left."


def _alert_at(place: str, told: Told) -> Html:
    return alert(told.wrong) if told.place == place else NOTHING
