"""Makes the routes of the pages, and of the style sheet and script that they load."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from starlette.routing import BaseRoute, Route

from gateway.calls.upstream import Upstream
from gateway.compile.plan import Plan
from gateway.describe.documentation.assets import serve
from gateway.edge.body import BodyReader
from gateway.edge.guard import Guard
from gateway.product.identity import steps
from gateway.product.identity.account import AccountPages
from gateway.product.identity.attempts import Attempts
from gateway.product.identity.authenticator import AuthenticatorPages
from gateway.product.identity.authorize import AUTHORIZE_PATH, AuthorizationEndpoint
from gateway.product.identity.calls import IdentityCalls
from gateway.product.identity.device import DevicePages
from gateway.product.identity.door import Door
from gateway.product.identity.federation import CALLBACK, FederationPages
from gateway.product.identity.forgery import own_origins
from gateway.product.identity.link import LINK_PATH, LinkPages
from gateway.product.identity.passkeys import PasskeyPages
from gateway.product.identity.person import SignedInPeople

__all__ = ["identity_routes"]

STATIC = Path(__file__).parent / "static"
_MEDIA_TYPES = {"pages.css": "text/css; charset=utf-8", "passkeys.js": "text/javascript; charset=utf-8"}


def identity_routes(
    plan: Plan, upstream: Upstream, guard: Guard, bodies: BodyReader, public_url: str
) -> Sequence[BaseRoute]:
    """Returns the routes. `public_url` is where callers reach the gateway. Raises OSError if a file is missing."""
    calls = IdentityCalls(plan, upstream)
    door = Door(guard, bodies, calls.policy, own_origins(public_url))
    attempts = Attempts(calls)
    return [
        *_assets(),
        *_sign_in(door, calls, attempts),
        *_others(door, calls, attempts),
        *_account(door, calls, attempts),
    ]


def _assets() -> list[BaseRoute]:
    return [
        Route(f"{steps.SIGN_IN}/{name}", serve((STATIC / name).read_bytes(), media_type))
        for name, media_type in _MEDIA_TYPES.items()
    ]


def _sign_in(door: Door, calls: IdentityCalls, attempts: Attempts) -> list[BaseRoute]:
    federation = FederationPages(calls, attempts)
    return [
        Route(steps.SIGN_IN, door.page(attempts.show)),
        Route(steps.SIGN_IN, door.form(attempts.submit_password), methods=["POST"]),
        Route(steps.FACTOR, door.page(attempts.show)),
        Route(steps.FACTOR, door.form(attempts.submit_factor), methods=["POST"]),
        Route(steps.CONSENT, door.page(attempts.show)),
        Route(steps.CONSENT, door.form(attempts.submit_consent), methods=["POST"]),
        Route("/sign-in/passkey", door.form(attempts.passkey_options), methods=["POST"]),
        Route("/sign-in/provider", door.form(federation.leave), methods=["POST"]),
        Route(f"{CALLBACK}/{{tenant}}", door.page(federation.come_back)),
    ]


def _others(door: Door, calls: IdentityCalls, attempts: Attempts) -> list[BaseRoute]:
    authorization = AuthorizationEndpoint(calls, door)
    devices, links = DevicePages(attempts), LinkPages(calls, attempts)
    return [
        Route(AUTHORIZE_PATH, door.anybody(authorization.begin)),
        Route(AUTHORIZE_PATH, door.anybody(authorization.read_form), methods=["POST"]),
        Route(steps.DEVICE, door.page(devices.show)),
        Route(steps.DEVICE, door.form(devices.submit), methods=["POST"]),
        Route(f"{LINK_PATH}/{{secret}}", door.page(links.follow)),
        Route(LINK_PATH, door.page(links.show)),
        Route(LINK_PATH, door.form(links.submit), methods=["POST"]),
    ]


def _account(door: Door, calls: IdentityCalls, attempts: Attempts) -> list[BaseRoute]:
    people, account = SignedInPeople(calls, attempts), AccountPages(calls, attempts)
    authenticators, passkeys = AuthenticatorPages(), PasskeyPages(attempts)
    forms = {
        "password": people.only(account.change_password),
        "recovery-codes": people.only(account.new_codes),
        "consents/withdraw": people.only(account.withdraw),
        "sessions/end": people.only(account.end_session),
        "sign-out": account.sign_out,
        "totp": people.only(authenticators.start),
        "totp/confirm": people.only(authenticators.confirm),
        "totp/remove": people.only(authenticators.remove),
        "passkeys": people.only(passkeys.create),
        "passkeys/options": people.only(passkeys.options),
        "passkeys/rename": people.only(passkeys.rename),
        "passkeys/remove": people.only(passkeys.remove),
    }
    return [
        Route(steps.ACCOUNT, door.page(people.only(account.show))),
        *(Route(f"{steps.ACCOUNT}/{name}", door.form(handler), methods=["POST"]) for name, handler in forms.items()),
    ]
