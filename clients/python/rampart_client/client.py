"""The client: one channel per service, one token, one retry budget."""

from __future__ import annotations

from types import TracebackType
from typing import Self

import grpc
import grpc.aio

from ._call import Caller
from ._gen.methods import DataClient, FraudClient, UserClient
from ._retry import RetryPolicy
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


class Rampart:
    """A client of the platform, to be made inside a running event loop and closed at its end.

    `fraud`, `user` and `data` hold the methods of the services; every one raises RampartError.
    """

    def __init__(self, config: Config) -> None:
        credentials = _credentials(config)
        self._channels = {
            address: grpc.aio.secure_channel(address, credentials, options=CHANNEL_OPTIONS)
            for address in (config.auth, config.fraud, config.user, config.data)
        }
        retries = RetryPolicy(budget=config.retry_budget, max_attempts=config.max_attempts)
        self._tokens = TokenSource(Caller(self._channels[config.auth], retries=retries), config)

        def caller(address: str) -> Caller:
            return Caller(self._channels[address], retries=retries, tokens=self._tokens)

        self.fraud = FraudClient(caller(config.fraud))
        self.user = UserClient(caller(config.user))
        self.data = DataClient(caller(config.data))

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
