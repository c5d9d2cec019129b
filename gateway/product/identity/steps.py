"""Knows which page comes next in an attempt to sign in."""

from __future__ import annotations

from urllib.parse import urlencode

from rampart.auth.v1 import sign_in_pb2 as pb
from starlette.responses import Response

from gateway.product.identity.answers import away, leads_there, see_other
from gateway.product.identity.cookies import ATTEMPT, SESSION
from gateway.product.identity.visit import Visit

__all__ = ["ACCOUNT", "CONSENT", "DEVICE", "FACTOR", "SIGN_IN", "onward", "place"]

SIGN_IN, FACTOR, CONSENT = "/sign-in", "/sign-in/factor", "/consent"
ACCOUNT, DEVICE = "/account", "/device"

_PAGES = {
    pb.SIGN_IN_STEP_IDENTIFY: SIGN_IN,
    pb.SIGN_IN_STEP_SECOND_FACTOR: FACTOR,
    pb.SIGN_IN_STEP_CONSENT: CONSENT,
    pb.SIGN_IN_STEP_ENROL: SIGN_IN,
}


def place(sign_in: pb.SignIn, attempt: str) -> str:
    """Returns the path of the page on which an attempt goes on that is not done."""
    return f"{_PAGES[sign_in.step]}?{urlencode({'attempt': attempt})}"


def onward(
    visit: Visit,
    sign_in: pb.SignIn,
    *,
    led_to: str = "",
    refused: bool = False,
    by_page: bool = False,
    notice: str = "",
) -> Response:
    """Sends the browser on to what comes next, with the session that it got.

    `led_to` is where the form that was sent could lead to outside. With `refused` the person has said no. `by_page`
    leaves by a page, for whoever may have come by the form of another. `notice` is the name of what to tell.
    """
    attempt = visit.attempt
    if sign_in.session:
        visit.keep(SESSION, sign_in.session)
    if sign_in.step != pb.SIGN_IN_STEP_DONE:
        told = f"&notice={notice}" if notice and sign_in.step == pb.SIGN_IN_STEP_IDENTIFY else ""
        return see_other(visit, place(sign_in, attempt) + told)
    visit.drop(ATTEMPT + attempt)
    if sign_in.user_code:
        return see_other(visit, f"{DEVICE}?end={'refused' if refused else 'done'}")
    if not sign_in.redirect_uri:
        return see_other(visit, ACCOUNT)
    direct = visit.exchange.method != "POST" or leads_there(sign_in.redirect_uri, led_to)
    if direct and not by_page:
        return see_other(visit, sign_in.redirect_uri)
    return away(visit, sign_in.redirect_uri, sign_in.client_name or "the application")
