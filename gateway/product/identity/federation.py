"""Sends people to their organisation's own OpenID provider, and takes what it answers."""

from __future__ import annotations

from rampart.auth.v1 import sign_in_service_pb2 as service
from starlette.responses import Response

from gateway.product.identity.answers import away
from gateway.product.identity.attempts import Attempts
from gateway.product.identity.calls import FINISH_FEDERATION, START_FEDERATION, IdentityCalls
from gateway.product.identity.steps import onward
from gateway.product.identity.visit import Visit, attempt_over
from meshkit.errors import MeshError

__all__ = ["CALLBACK", "FederationPages"]

CALLBACK = "/sign-in/callback"
"""Below which each tenant has the address at which its provider answers."""

_ANSWER = ("code", "state", "iss", "error")
_NO_PROVIDER = "There is no such organisation, or it has no sign-in of its own here."
_NOT_NOW = "Your organisation's sign-in cannot be reached now."
_REFUSED = "Your organisation's sign-in did not vouch for you."
_WORDS = {
    "RESOURCE_NOT_FOUND": _NO_PROVIDER, "DEPENDENCY_UNAVAILABLE": _NOT_NOW, "SIGN_IN_REFUSED": _REFUSED,
}  # fmt: skip


class FederationPages:
    """Knows the way to the provider and back."""

    def __init__(self, calls: IdentityCalls, attempts: Attempts) -> None:
        self._calls = calls
        self._attempts = attempts

    async def leave(self, visit: Visit) -> Response:
        """Goes to the provider."""
        tenant = visit.given.get("tenant", "").strip()
        request = service.StartFederationRequest(interaction=visit.interaction(), tenant=tenant)
        try:
            answer = await self._calls.send(START_FEDERATION, request, visit.exchange.call)
        except MeshError as error:
            return await self._once_more(visit, error)
        return away(visit, answer.redirect_uri, "your organisation's sign-in")

    async def come_back(self, visit: Visit) -> Response:
        """Takes the answer of the provider to one of the attempts of this browser, which begins its `state`."""
        given = visit.given
        attempt, _, _ = given.get("state", "").partition(".")
        if not attempt:
            raise attempt_over()
        answered = {name: given.get(name, "") for name in _ANSWER}
        request = service.FinishFederationRequest(
            interaction=visit.interaction(attempt),
            tenant=visit.exchange.scope["path_params"]["tenant"],
            client_address=visit.address,
            device=visit.device(),
            **answered,
        )
        visit.given = {"attempt": attempt}
        try:
            answer = await self._calls.send(FINISH_FEDERATION, request, visit.exchange.call)
        except MeshError as error:
            return await self._once_more(visit, error)
        return onward(visit, answer.sign_in, by_page=True)

    async def _once_more(self, visit: Visit, error: MeshError) -> Response:
        state = await self._attempts.state(visit)
        return self._attempts.once_more(visit, state, error, _WORDS.get(error.reason, ""))
