"""Admits calls: access token, scopes, rate limits.

    address → token, or a key that is exchanged for one → limits of client, user and tenant → scopes

A token that was good within the last minute costs one look-up, and its caller no part of what the address may use: many
callers may share one. For any other token the address is asked first, so that whoever forges tokens is refused before a
signature is looked at. Only tokens that turn out not to be good are charged to it.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from typing import Protocol

from gateway.edge.address import AddressResolver
from gateway.edge.certificates import ClientCertificates
from gateway.edge.exchange import Exchange
from gateway.edge.keys import KeySource, NoKeys
from gateway.edge.metrics import Telemetry
from gateway.edge.possession import Held, PossessionCheck
from gateway.edge.ratelimit import Charges, LimitBook, StrictRateLimiter, state_field
from meshkit.audit.calls import DENIALS, CallAudit
from meshkit.context import Principal
from meshkit.errors import Kind, MeshError
from meshkit.identity.access import bearer_token, credentials, require_scope, token_missing
from meshkit.identity.policy import Policy
from meshkit.identity.revocations import TOKEN_REVOKED
from meshkit.identity.tokens import Permit
from meshkit.limits import Limit, LimitVerdict, RateLimiter, check_size, rate_limited

__all__ = ["Guard", "TokenGuard", "Verifier"]

LIMIT_FIELDS = (b"ratelimit", b"ratelimit-policy")


class Verifier(Protocol):
    """Checks access tokens."""

    def verify_cached(self, token: str) -> Principal | None: ...

    async def verify(self, token: str, permit: Permit | None = None) -> Principal: ...

    def remaining(self, token: str) -> float:
        """Returns for how many seconds a token that was verified a moment ago is good."""
        ...


class Guard(Protocol):
    """Admits calls before their body is read."""

    async def admit(self, exchange: Exchange, policy: Policy) -> None:
        """Sets token and principal of the exchange's call. Raises MeshError."""
        ...

    async def charge(self, exchange: Exchange, policy: Policy, units: int) -> None:
        """Charges an admitted call, once it is decoded, for what it holds beyond one unit of it. Raises MeshError."""
        ...


class TokenGuard:
    """Admits calls. Those of `strict_classes` are decided by the `strict` limiter, for all gateways at once."""

    def __init__(
        self,
        verifier: Verifier,
        limiter: RateLimiter,
        telemetry: Telemetry,
        *,
        book: LimitBook,
        addresses: AddressResolver,
        strict: StrictRateLimiter | None = None,
        strict_classes: Collection[str] = (),
        possession: PossessionCheck,
        certificates: ClientCertificates = ClientCertificates(),
        keys: KeySource = NoKeys(),
        audit: CallAudit | None = None,
    ) -> None:
        self._audit = audit
        self._verifier = verifier
        self._limiter = limiter
        self._telemetry = telemetry
        self._book = book
        self._addresses = addresses
        self._keys = keys
        self._possession = possession
        self._certificates = certificates
        self._strict = strict
        self._strict_classes = frozenset(strict_classes) if strict is not None else frozenset()

    async def admit(self, exchange: Exchange, policy: Policy) -> None:
        """Sets certificate, token and principal of the exchange's call, and the rate-limit headers. Raises MeshError.

        The audit log is told of whom it refuses.
        """
        try:
            await self._admit(exchange, policy)
        except MeshError as error:
            if self._audit is not None and error.kind in DENIALS:
                self._audit.refused(exchange.call, policy.path, error, self._address(exchange))
            raise

    async def _admit(self, exchange: Exchange, policy: Policy) -> None:
        exchange.certificate = self._certificates.shown(exchange.scope, exchange.headers)
        if policy.public:
            self.charge_address(exchange, policy)
            return
        principal = await self._identify(exchange)
        exchange.call.principal = principal
        charges = self._book.of(principal, policy.rate_class)
        if policy.rate_class in self._strict_classes:
            await self._charge_strictly(exchange, policy, charges)
        else:
            verdicts = self._limiter.take_all(charges.limits, policy.cost, time.monotonic())
            self._settle(exchange, policy.rate_class, charges, verdicts)
        require_scope(policy, principal)

    async def charge(self, exchange: Exchange, policy: Policy, units: int) -> None:
        """Charges a call of many items for all but the first, which its admission has paid for. Raises MeshError."""
        if units <= 1:
            return
        principal = exchange.call.principal
        charges = (
            self._book.of(principal, policy.rate_class)
            if principal is not None
            else self._book.of_address(self._address(exchange), policy.rate_class)
        )
        check_size(charges.limits, units, cost=policy.cost, items=policy.items)
        # The headers of the admission were those of the first item alone.
        exchange.extra[:] = [header for header in exchange.extra if header[0] not in LIMIT_FIELDS]
        cost, now = (units - 1) * policy.cost, time.monotonic()
        strict = self._strict if policy.rate_class in self._strict_classes else None
        if strict is not None:
            verdicts = await strict.take_all(charges.limits, cost, now, policy.cost)
        else:
            verdicts = self._limiter.take_all(charges.limits, cost, now, policy.cost)
        if not all(verdict.allowed for verdict in verdicts):
            # It may come again, and whoever comes too early is not to use up what he waits for.
            if strict is not None:
                await strict.give_back(charges.limits, policy.cost, now)
            else:
                self._limiter.give_back(charges.limits, policy.cost)
        self._settle(exchange, policy.rate_class, charges, verdicts)

    def charge_address(self, exchange: Exchange, policy: Policy) -> None:
        """Charges a call without a token to the client's address. Raises MeshError."""
        charges = self._book.of_address(self._address(exchange), policy.rate_class)
        verdicts = self._limiter.take_all(charges.limits, policy.cost, time.monotonic())
        self._settle(exchange, policy.rate_class, charges, verdicts)

    async def _identify(self, exchange: Exchange) -> Principal:
        """Sets the token of the exchange's call and returns whom it is about."""
        header = exchange.headers.get(b"authorization", b"").decode("latin-1")
        possessed = credentials(header, "dpop")
        token = possessed or bearer_token(header)
        key = self._keys.shown(exchange.headers, token)
        if key:
            return await self._identify_by_key(exchange, key)
        if not token:
            raise token_missing()
        principal = self._verifier.verify_cached(token) or await self._verify(exchange, token)
        if possessed or principal.confirmation is not None:
            self._check_possession(exchange, principal, token, bool(possessed))
        exchange.call.token = token
        return principal

    async def _identify_by_key(self, exchange: Exchange, key: str) -> Principal:
        token = self._keys.known(key)
        if token is not None:
            exchange.call.token = token
            try:
                return self._verifier.verify_cached(token) or await self._verifier.verify(token)
            except MeshError as error:
                if error.kind is not Kind.UNAUTHENTICATED:
                    raise
                # What was revoked are the tokens of the key at some time. Whether it is good itself is asked again.
                self._keys.forget(key)
        exchange.call.token = token = await self._exchange(exchange, key)
        return await self._verifier.verify(token)

    async def _exchange(self, exchange: Exchange, key: str) -> str:
        try:
            return await self._keys.exchange(key, lambda: self._check_failures(exchange), exchange.call)
        except MeshError as error:
            if error.kind is Kind.UNAUTHENTICATED:
                self._charge_failure(exchange)
            raise

    def _charge_failure(self, exchange: Exchange) -> None:
        """Charges wrong credentials to the client's address; too many, and no unknown token of it is looked at."""
        charges = self._book.of_failures(self._address(exchange))
        self._limiter.take_all(charges.limits, 1, time.monotonic())

    def _check_failures(self, exchange: Exchange) -> None:
        """Refuses an address from which too many wrong credentials came. Raises MeshError."""
        charges = self._book.of_failures(self._address(exchange))
        verdict = self._limiter.peek(charges.limits[0], 1, time.monotonic())
        if not verdict.allowed:
            self._settle(exchange, "failures", charges, [verdict])

    async def _verify(self, exchange: Exchange, token: str) -> Principal:
        unknown = False

        def permit() -> None:
            nonlocal unknown
            self._check_failures(exchange)
            unknown = True

        try:
            return await self._verifier.verify(token, permit)
        except MeshError as error:
            # A token that was good once is not charged, whether it has expired or was revoked: nobody forged it.
            if unknown and error.kind is Kind.UNAUTHENTICATED and error.reason != TOKEN_REVOKED:
                self._charge_failure(exchange)
            raise

    def _check_possession(self, exchange: Exchange, principal: Principal, token: str, possessed: bool) -> None:
        """Refuses a bound token without what it is bound to, and a proof with another: both count as a wrong token."""
        self._check_failures(exchange)
        proof = exchange.headers.get(b"dpop", b"") if possessed else None
        held = Held(proof, exchange.certificate)
        place = exchange.method, exchange.path.decode("latin-1")
        try:
            self._possession.check(principal.confirmation, token, held, place)
        except MeshError:
            self._charge_failure(exchange)
            raise

    async def _charge_strictly(self, exchange: Exchange, policy: Policy, charges: Charges) -> None:
        assert self._strict is not None
        verdicts = await self._strict.take_all(charges.limits, policy.cost, time.monotonic())
        self._settle(exchange, policy.rate_class, charges, verdicts)

    def _address(self, exchange: Exchange) -> str:
        if exchange.client_address is None:
            exchange.client_address = self._addresses.resolve(exchange.scope)
        return exchange.client_address

    def _settle(self, exchange: Exchange, rate_class: str, charges: Charges, verdicts: Sequence[LimitVerdict]) -> None:
        """Tells the caller where it stands, and refuses it if a limit does."""
        limit, verdict = charges.limits[0], verdicts[0]
        if len(verdicts) > 1:
            limit, verdict = min(zip(charges.limits, verdicts, strict=True), key=_room)
        exchange.extra += charges.header, state_field(limit, verdict)
        if not verdict.allowed:
            self._telemetry.limited(rate_class)
            raise rate_limited(rate_class, charges.limits, verdicts)


def _room(judged: tuple[Limit, LimitVerdict]) -> tuple[bool, float, int]:
    """Orders limits: those that refuse first, the longest wait before others, then the least that is left."""
    verdict = judged[1]
    return verdict.allowed, -verdict.retry_after, verdict.remaining
