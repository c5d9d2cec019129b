"""The client: one channel per service, one token, one retry budget."""

from __future__ import annotations

from types import TracebackType
from typing import Self

import grpc
import grpc.aio

from ._call import Caller
from ._retry import RetryPolicy
from ._services import Services
from ._tokens import TokenSource
from .config import Config

CHANNEL_OPTIONS = (
    # The library's own retries know nothing of the budget, and its first reconnect may take 20 s.
    ("grpc.enable_retries", 0),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1000),
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 5_000),
    ("grpc.lb_policy_name", "round_robin"),
)


class Rampart(Services):
    """A client of the platform, to be made inside a running event loop and closed at its end.

    `fraud`, `user` and so on hold the methods of the services; every one raises RampartError.
    """

    def __init__(self, config: Config) -> None:
        self._config = config
        self._credentials = _credentials(config)
        self._channels: dict[str, grpc.aio.Channel] = {}
        self._retries = RetryPolicy(budget=config.retry_budget, max_attempts=config.max_attempts)
        self._tokens = TokenSource(Caller(self._channel(config.auth), retries=self._retries), config)

    def caller(self, service: str) -> Caller:
        """Returns what calls a service. Raises ValueError if the configuration has no address of it."""
        address = getattr(self._config, service)
        if not address:
            raise ValueError(f"the configuration has no address of {service}")
        return Caller(self._channel(address), retries=self._retries, tokens=self._tokens)

    def _channel(self, address: str) -> grpc.aio.Channel:
        if address not in self._channels:
            self._channels[address] = grpc.aio.secure_channel(address, self._credentials, options=CHANNEL_OPTIONS)
        return self._channels[address]

    @classmethod
    async def connect(cls, config: Config) -> Self:
        """Returns a client that holds a token, so that wrong credentials are known at once."""
        client = cls(config)
        try:
            await client._tokens.token()
        except BaseException:
            await client.close()
            raise
        return client

    async def close(self) -> None:
        """Ends the calls under way and closes the connections."""
        for channel in self._channels.values():
            await channel.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()


def _credentials(config: Config) -> grpc.ChannelCredentials:
    return grpc.ssl_channel_credentials(
        root_certificates=config.ca_file.read_bytes(),
        private_key=config.key_file.read_bytes(),
        certificate_chain=config.certificate_file.read_bytes(),
    )
