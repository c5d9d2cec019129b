"""Tells people in plain words what went wrong, and what they can do."""

from __future__ import annotations

import math
from collections.abc import Mapping

from starlette.responses import Response

from gateway.errors.problem import http_status
from gateway.product.identity.answers import Page, shown
from gateway.product.identity.visit import Visit
from meshkit.errors import Kind, MeshError

__all__ = ["INPUT", "busy_words", "failure", "form_refused", "form_status", "retry_headers", "wait_words"]

INPUT = 422
"""HTTP status of a page that is shown again because of what was typed."""

_NOW = ("It does not work at the moment", "Nothing that you typed was wrong. Try again in a minute.")
_WORDS = {
    "INTERACTION_INVALID": (
        "This sign-in is over",
        "It was begun more than ten minutes ago, or in another browser, or this browser keeps no cookies. "
        "Go back to where you came from and begin again.",
    ),
    "LINK_INVALID": (
        "This link cannot be used",
        "It has been used, a newer one has been sent, or it is too old. Ask whoever sent it for a new one.",
    ),
    "FORM_REFUSED": (
        "This page was out of date",
        "You may have signed in or out since you opened it, or this browser keeps no cookies. Open it again.",
    ),
    "RATE_LIMITED": ("Too many requests", "They came from your address."),
    "SIGN_IN_THROTTLED": ("Too many attempts", "Somebody has tried too often."),
    "BODY_TOO_LARGE": ("That is too much", "What you sent is longer than any answer to this page could be."),
}
_BUSY = {"OVERLOADED": "Too many people sign in at this moment.", "SIGN_IN_THROTTLED": "Too many attempts."}
_UNAVAILABLE = (Kind.UNAVAILABLE, Kind.DEADLINE_EXCEEDED, Kind.RESOURCE_EXHAUSTED)


def failure(visit: Visit, error: MeshError) -> Response:
    """Returns the page of an error, with the identifier by which the log knows the request."""
    title, words = _told(error)
    if error.retry_after is not None and error.reason in _WORDS:
        words = f"{words} {wait_words(error)}"
    status = http_status(error)
    # A challenge belongs to 401, and browsers would answer one that they know with a dialogue of their own.
    status = 403 if status == 401 else status
    values = {"heading": title, "words": words, "request_id": visit.exchange.call.request_id}
    return shown(visit, Page("failure", title, values, status), retry_headers(error))


def form_refused() -> MeshError:
    """Returns the error for a form that no page of ours has shown to this browser in this session."""
    return MeshError(Kind.PERMISSION_DENIED, "FORM_REFUSED", "the form is not one of a page that was shown here")


def busy_words(error: MeshError) -> str:
    """Says that somebody has to wait; nothing if that is not what is wrong."""
    words = _BUSY.get(error.reason, "")
    return f"{words} {wait_words(error)}" if words else ""


def form_status(error: MeshError) -> int:
    """Returns the HTTP status of a form that is shown again."""
    return http_status(error) if error.reason in _BUSY else INPUT


def retry_headers(error: MeshError) -> Mapping[str, str]:
    """Returns `Retry-After`, if the error says when to come again."""
    return {"retry-after": str(_seconds(error))} if error.retry_after is not None else {}


def wait_words(error: MeshError) -> str:
    """Says for how long to wait."""
    seconds = _seconds(error)
    if seconds < 60:
        return f"Try again in {seconds} second{'s' if seconds > 1 else ''}."
    minutes = math.ceil(seconds / 60)
    return f"Try again in {minutes} minute{'s' if minutes > 1 else ''}."


def _seconds(error: MeshError) -> int:
    return max(1, math.ceil(error.retry_after or 1.0))


def _told(error: MeshError) -> tuple[str, str]:
    if error.reason in _WORDS:
        return _WORDS[error.reason]
    if error.kind in _UNAVAILABLE:
        return _NOW
    if error.kind is Kind.INVALID_ARGUMENT:
        return "That cannot be understood", f"{error.message[:1].upper()}{error.message[1:]}."
    return "Something failed that should not", "It is our fault, and the log has it."
