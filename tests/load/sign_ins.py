"""`python -m tests.load.sign_ins`: measures what a storm of sign-ins does to the answers of checks, at 120 checks/s.

A platform is loaded in turns: without sign-ins, and while many people type passwords, each from an address of his own,
so that no throttle spares the hashing. The passwords are wrong, which costs what right ones do.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import itertools
from collections import Counter
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import grpc
from rampart.auth.v1 import oauth_service_pb2 as oauth_pb
from rampart.auth.v1 import sign_in_service_pb2 as sign_in_pb

from meshkit.errors import Kind
from meshkit.rpc.failures import from_rpc_error
from meshkit.settings import TlsFiles
from tests.load.frame import bench_console, bounded, run_bench, state_folder
from tests.load.machine import describe
from tests.load.platforms import Rampart
from tests.load.rounds import Run
from tests.load.trainings import observe_checks, p99_of, words_of
from tests.support.calls import Caller, calling

LONGEST_SECONDS = 1_500.0
QUIET, STORM = "quiet", "while people sign in"
SECONDS_TO_ANSWER = 10.0
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


class SignIns:
    """Types wrong passwords as fast as they are answered, for people that nobody knows."""

    def __init__(self, oauth: Caller, sign_in: Caller) -> None:
        self._oauth = oauth
        self._sign_in = sign_in
        self._numbers = itertools.count()
        self.answers: Counter[str] = Counter()
        """How they were answered, by reason."""

    @contextlib.asynccontextmanager
    async def going_on(self, at_once: int) -> AsyncIterator[None]:
        """Has so many people sign in at once, each again and again, until the block ends."""
        people = [asyncio.create_task(self._person()) for _ in range(at_once)]
        try:
            yield
        finally:
            for person in people:
                person.cancel()
            for ended in await asyncio.gather(*people, return_exceptions=True):
                if isinstance(ended, Exception):
                    raise ended

    async def _person(self) -> None:
        while True:
            try:
                await self._attempt(next(self._numbers))
            except grpc.aio.AioRpcError as failed:
                error = from_rpc_error(failed, "auth")
                self.answers[error.reason] += 1
                if error.kind is Kind.RESOURCE_EXHAUSTED:
                    await asyncio.sleep(error.retry_after or 1.0)

    async def _attempt(self, number: int) -> None:
        asked = oauth_pb.StartAuthorizationRequest(
            client_id="rampart-cli",
            redirect_uri="http://127.0.0.1:49152/callback",
            response_type="code",
            scope="openid",
            state="storm",
            code_challenge=CHALLENGE,
            code_challenge_method="S256",
        )
        started = await self._oauth(asked, oauth_pb.StartAuthorizationResponse, timeout=SECONDS_TO_ANSWER)
        typed = sign_in_pb.SubmitPasswordRequest(
            interaction=started.interaction,
            tenant=f"tenant-{number}",
            email=f"person-{number}@example.com",
            password="a password of nobody",
            client_address=f"2001:db8:{number >> 16 & 0xFFFF:x}:{number & 0xFFFF:x}::1",
        )
        await self._sign_in(typed, sign_in_pb.SubmitPasswordResponse, timeout=SECONDS_TO_ANSWER)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.load.sign_ins", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=15.0, help="of each turn")
    parser.add_argument("--at-once", type=int, default=32, help="people who wait for an answer")
    return run_bench(lambda: _bench(parser.parse_args()))


def _bench(arguments: argparse.Namespace) -> None:
    console = bench_console()
    with state_folder() as folder:
        platform = Rampart("storm", folder / "storm", coalesce=True)
        say = partial(console.print, highlight=False)
        figures, answers = asyncio.run(bounded(LONGEST_SECONDS, _measure(platform, folder / "storm", arguments)))
    say(", ".join(f"{name} {value}" for name, value in describe().items()))
    for name, runs in figures.items():
        say(f"{name:26} {words_of(runs)}")
    seconds = arguments.rounds * arguments.seconds
    say(f"{STORM}: " + ", ".join(f"{count / seconds:.1f}/s {reason}" for reason, count in answers.most_common()))
    say(f"p99 {STORM}: {p99_of(figures[STORM]) / p99_of(figures[QUIET]):.2f} times that without")


async def _measure(
    platform: Rampart, home: Path, arguments: argparse.Namespace
) -> tuple[dict[str, list[Run]], Counter[str]]:
    figures: dict[str, list[Run]] = {QUIET: [], STORM: []}
    async with contextlib.AsyncExitStack() as started:
        started.push_async_callback(platform.stop)
        await platform.start()
        gateway = TlsFiles(*(home / "tls" / name for name in ("ca.pem", "gateway.pem", "gateway.key")))
        address = platform.dev["grpc"]["auth"]
        oauth = await started.enter_async_context(calling(address, "rampart.auth.v1.OAuthService", gateway))
        sign_in = await started.enter_async_context(calling(address, "rampart.auth.v1.SignInService", gateway))
        storm = SignIns(oauth, sign_in)
        await observe_checks(platform, 0, arguments.seconds)
        for number in range(1, arguments.rounds + 1):
            figures[QUIET].append(await observe_checks(platform, number, arguments.seconds))
            async with storm.going_on(arguments.at_once):
                figures[STORM].append(await observe_checks(platform, number, arguments.seconds))
    return figures, storm.answers


if __name__ == "__main__":
    raise SystemExit(main())
