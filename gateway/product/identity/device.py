"""Lets in devices by the code that they show (RFC 8628, section 3.3)."""

from __future__ import annotations

from starlette.responses import Response

from gateway.product.identity.answers import Page, shown
from gateway.product.identity.attempts import Attempts
from gateway.product.identity.failures import INPUT, busy_words, form_status, retry_headers
from gateway.product.identity.fields import alert, field
from gateway.product.identity.markup import Html
from gateway.product.identity.visit import Visit
from meshkit.errors import MeshError

__all__ = ["DevicePages"]

_WRONG = "No device is waiting with this code. It may be too old: let the device show a new one."
_TYPED = ("INTERACTION_INVALID", "SIGN_IN_REFUSED", "SIGN_IN_THROTTLED", "VALIDATION_FAILED", "RESOURCE_NOT_FOUND")
_ENDS = {
    "done": ("The device is connected", "You can close this page and continue there."),
    "refused": ("The device was refused", "It gets nothing. You can close this page."),
}
_MORE = Html(' required spellcheck="false" autocapitalize="characters" maxlength="16"')


class DevicePages:
    """Asks for the code of a device, and then for who lets it in."""

    def __init__(self, attempts: Attempts) -> None:
        self._attempts = attempts

    async def show(self, visit: Visit) -> Response:
        """Shows the form, with the code if the device has put it into the address, or how it ended."""
        if visit.given.get("end") in _ENDS:
            title, words = _ENDS[visit.given["end"]]
            return shown(visit, Page("done", title, {"heading": title, "words": words}))
        return shown(visit, _device_page(visit.given.get("user_code", "")))

    async def submit(self, visit: Visit) -> Response:
        """Begins to let in the device of a code. What it asks for is shown before it gets anything."""
        code = "".join(visit.given.get("user_code", "").split()).upper()
        if not code:
            # Without a code it would be an attempt for the account page.
            return shown(visit, _device_page(code, _WRONG, INPUT))
        try:
            return await self._attempts.begin(visit, user_code=code[:16])
        except MeshError as error:
            if error.reason not in _TYPED:
                raise
            visit.exchange.call.failed(error)
            words = busy_words(error) or _WRONG
            return shown(visit, _device_page(code, words, form_status(error)), retry_headers(error))


def _device_page(code: str, wrong: str = "", status: int = 200) -> Page:
    typed = field(
        "user_code",
        "Code",
        autocomplete="off",
        value=code[:16],
        more=_MORE,
        wrong=bool(wrong),
        focus=True,
        hint="Eight letters, as the device shows them.",
    )
    return Page("device", "Connect a device", {"alert": alert(wrong), "code": typed}, status)
