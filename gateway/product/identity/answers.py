"""Answers browsers: with pages, which load nothing of others and stand in no frame, and with redirects."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from starlette.responses import JSONResponse, RedirectResponse, Response

from gateway.product.identity.markup import Html, fill, template
from gateway.product.identity.visit import Visit
from meshkit.errors import internal

__all__ = ["Page", "away", "form_parts", "json_answer", "leads_there", "see_other", "shown"]

_HTML = "text/html; charset=utf-8"
_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'"
)
_SCRIPTS = "; script-src 'self'; connect-src 'self'"
_SAFE = {
    "cache-control": "no-store",
    "pragma": "no-cache",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}
_TARGET = re.compile(r"https?://[A-Za-z0-9.-]+(?::[0-9]{1,5})?|https?://\[[0-9A-Fa-f:.]+\](?::[0-9]{1,5})?")
_APP = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*")
_ADDRESS = re.compile(r"[!-~]{1,8192}")
_NEVER = frozenset({"about", "blob", "data", "file", "filesystem", "javascript", "vbscript", "view-source"})


@dataclass(frozen=True, slots=True)
class Page:
    """What a page is made of."""

    name: str
    """Name of its template."""
    title: str
    values: Mapping[str, str]
    """What is put into the template."""
    status: int = 200
    more: Sequence[str] = ()
    """Names of templates that follow."""
    script: bool = False
    """True to load the one script that there is, for passkeys."""
    leads_to: str = ""
    """Address outside to which a form of the page may lead."""


def shown(visit: Visit, page: Page, headers: Mapping[str, str] | None = None) -> Response:
    """Returns a page as the browser gets it. Its forms hold the token of this visit."""
    form = form_parts(visit)
    source = "".join(template(name) for name in (page.name, *page.more))
    body = fill(source, **{**page.values, "form": form})
    script = Html(template("script").rstrip()) if page.script else Html("")
    whole = fill(template("frame"), title=page.title, body=body, script=script)
    policy = _POLICY + _form_target(page.leads_to) + (_SCRIPTS if page.script else "")
    own = {"content-security-policy": policy, **(headers or {})}
    return _with_cookies(visit, Response(whole, page.status, headers=_SAFE | own, media_type=_HTML))


def form_parts(visit: Visit) -> Html:
    """Returns the hidden fields that every form of a page has."""
    return fill(template("form").rstrip(), token=visit.form_token(), attempt=visit.attempt)


def see_other(visit: Visit, path: str) -> Response:
    """Sends the browser on with GET to a path of ours, or to an address that the service has checked.

    Raises MeshError for an address that no browser may be sent to.
    """
    if not path.startswith("/") or path.startswith("//"):
        _check_address(path)
    return _with_cookies(visit, _redirect(path))


def away(visit: Visit, address: str, name: str) -> Response:
    """Sends the browser on by a page: the way on is no redirect of a form, so no policy of a page can forbid it."""
    _check_address(address)
    return shown(visit, Page("away", "Continue", {"address": address, "name": name}))


def leads_there(address: str, allowed: str) -> bool:
    """Tells whether browsers follow the form of a page that `leads_to` what is allowed to an address."""
    return bool(_form_target(allowed)) and _form_target(address) == _form_target(allowed)


def json_answer(visit: Visit, body: Mapping[str, object]) -> Response:
    """Answers the script of a page."""
    policy = {"content-security-policy": "default-src 'none'; frame-ancestors 'none'"}
    return _with_cookies(visit, JSONResponse(body, headers=_SAFE | policy))


def _redirect(address: str) -> Response:
    # Starlette would percent-encode what the client has registered, to the character.
    response = RedirectResponse("/", 303, headers=_SAFE)
    response.headers["location"] = address
    return response


def _with_cookies(visit: Visit, response: Response) -> Response:
    for value in visit.set_cookies.values():
        response.headers.append("set-cookie", value)
    return response


def _form_target(address: str) -> str:
    """Returns the source by which `form-action` lets a form lead to an address; empty for one that it could not name.

    Browsers hold a form's redirects to the policy of its page as well.
    """
    found = _TARGET.match(address)
    if found is not None and address[found.end() :][:1] in ("", "/", "?", "#"):
        return f" {found[0]}"
    scheme, colon, _ = address.partition(":")
    app = colon and "." in scheme and _APP.fullmatch(scheme)
    return f" {scheme}:" if app else ""


def _check_address(address: str) -> None:
    scheme, colon, _ = address.partition(":")
    if not (colon and _ADDRESS.fullmatch(address) and _APP.fullmatch(scheme)) or scheme.lower() in _NEVER:
        raise internal()
