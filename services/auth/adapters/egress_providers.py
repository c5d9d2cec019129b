"""Talks to OpenID providers by the guarded way out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from meshkit.egress.answers import EgressAnswer
from meshkit.egress.client import Egress, EgressRequest
from meshkit.egress.errors import EgressError
from meshkit.json import JsonError, parse
from services.auth.domain.provider_metadata import ProviderFault

__all__ = ["EgressProviders"]

_JSON = {"Accept": "application/json"}
_FORM = {**_JSON, "Content-Type": "application/x-www-form-urlencoded"}
_SECONDS = 5.0
_MOST_OCTETS = 131_072
"""Of one answer. The largest documents and key sets that are about have a third of that."""


class EgressProviders:
    """Implements `ProviderCalls`."""

    def __init__(self, egress: Egress) -> None:
        self._egress = egress

    async def get_object(self, url: str, whose: str, token: str = "") -> Mapping[str, Any]:
        headers = _JSON | ({"Authorization": f"Bearer {token}"} if token else {})
        answer = await self._send(EgressRequest(url, "GET", headers, b"", _SECONDS, _MOST_OCTETS), whose)
        if answer.status != 200:
            raise ProviderFault("status")
        return _object(answer)

    async def post_form(
        self, url: str, whose: str, fields: Mapping[str, str], authorization: str = ""
    ) -> tuple[int, Mapping[str, Any]]:
        headers = _FORM | ({"Authorization": authorization} if authorization else {})
        body = urlencode(fields).encode()
        answer = await self._send(EgressRequest(url, "POST", headers, body, _SECONDS, _MOST_OCTETS), whose)
        # What failed may be told by a page.
        return answer.status, _object(answer) if answer.status in (200, 400, 401) else {}

    async def _send(self, request: EgressRequest, whose: str) -> EgressAnswer:
        try:
            return await self._egress.send(request, whose)
        except EgressError as error:
            raise ProviderFault(error.fault.value) from None
        except ValueError:
            raise ProviderFault("malformed") from None


def _object(answer: EgressAnswer) -> Mapping[str, Any]:
    try:
        found = parse(answer.body)
    except JsonError:
        raise ProviderFault("malformed") from None
    if not isinstance(found, dict):
        raise ProviderFault("malformed")
    return found
