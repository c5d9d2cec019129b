"""Devices that wait to be let in (RFC 8628)."""

from __future__ import annotations

import asyncio

import pytest

from meshkit.errors import MeshError
from services.auth.domain.clients import GrantType
from services.auth.domain.devices import NewDevice
from services.auth.domain.sign_in import AttemptKey, SignInStep
from services.auth.domain.token_answers import GrantedTokens
from services.auth.domain.token_requests import ClientProof
from tests.support.signing_in import SECRET, SignInWorld, reason_of

GRANT = "urn:ietf:params:oauth:grant-type:device_code"
CLI = ClientProof("rampart-cli")


async def wait(world: SignInWorld, scope: str = "openid case:read") -> NewDevice:
    return await world.server.devices.begin(CLI, scope)


async def ask(world: SignInWorld, device: NewDevice, client_id: str = "rampart-cli") -> GrantedTokens:
    return await world.grant(GRANT, client_id, device_code=device.device_code)


async def signed_in(world: SignInWorld, typed: str) -> AttemptKey:
    key, _ = await world.server.sign_in.begin("", typed, "", again=False)
    view = await world.password(key)
    assert (view.step, view.client_name) == (SignInStep.CONSENT, "Rampart command line")
    assert view.scopes == {"openid", "case:read"}
    return key


async def test_device_waits_until_somebody_lets_it_in(world: SignInWorld) -> None:
    device = await wait(world)
    assert (device.expires_in, device.interval) == (600, 5)
    assert await reason_of(ask(world, device)) == "AUTHORIZATION_PENDING"
    key = await signed_in(world, device.user_code)
    assert (await world.server.sign_in.consent(key, True)).step is SignInStep.DONE
    world.wait(seconds=5)
    granted = await ask(world, device)
    principal = await world.verifier.verify(granted.access.token)
    assert (principal.subject, principal.client_id) == (world.ann.member_id, "rampart-cli")
    assert granted.identity_token
    assert await reason_of(ask(world, device)) == "GRANT_INVALID"
    assert (await world.refresh(granted.refresh_token, "rampart-cli")).access.token


async def test_tokens_are_given_once(world: SignInWorld) -> None:
    device = await wait(world)
    await world.server.sign_in.consent(await signed_in(world, device.user_code), True)
    answers = await asyncio.gather(*[ask(world, device) for _ in range(5)], return_exceptions=True)
    assert len([each for each in answers if isinstance(each, GrantedTokens)]) == 1
    assert {each.reason for each in answers if isinstance(each, MeshError)} == {"GRANT_INVALID"}


async def test_refused_device_hears_of_it(world: SignInWorld) -> None:
    device = await wait(world)
    await world.server.sign_in.consent(await signed_in(world, device.user_code), False)
    assert await reason_of(ask(world, device)) == "AUTHORIZATION_DENIED"


async def test_device_that_asks_too_often_is_told_to_wait_longer(world: SignInWorld) -> None:
    device = await wait(world)
    assert await reason_of(ask(world, device)) == "AUTHORIZATION_PENDING"
    world.wait(seconds=4)
    with pytest.raises(MeshError) as caught:
        await ask(world, device)
    assert (caught.value.reason, caught.value.retry_after) == ("SLOW_DOWN", 10)
    world.wait(seconds=9)
    assert await reason_of(ask(world, device)) == "SLOW_DOWN"
    world.wait(seconds=15)
    assert await reason_of(ask(world, device)) == "AUTHORIZATION_PENDING"


async def test_device_is_over_after_ten_minutes(world: SignInWorld) -> None:
    device = await wait(world)
    key = await signed_in(world, device.user_code)
    world.wait(minutes=10)
    assert await reason_of(ask(world, device)) == "DEVICE_CODE_EXPIRED"
    assert await reason_of(world.server.sign_in.consent(key, True)) == "INTERACTION_INVALID"
    assert await reason_of(world.server.sign_in.begin("", device.user_code, "", again=False)) == "RESOURCE_NOT_FOUND"


@pytest.mark.parametrize(
    "write", [str.lower, lambda code: code.replace("-", ""), lambda code: f" {code[:2]} {code[2:]}"]
)
async def test_code_is_taken_however_it_is_typed(world: SignInWorld, write: object) -> None:
    device = await wait(world)
    assert callable(write)
    _, view = await world.server.sign_in.begin("", write(device.user_code), "", again=False)
    assert view.step is SignInStep.IDENTIFY


async def test_codes_that_are_guessed_delay_their_address_alone(world: SignInWorld) -> None:
    device = await wait(world)

    async def begin(code: str, address: str = "192.0.2.1") -> object:
        return await world.server.sign_in.begin("", code, "", again=False, address=address)

    answers = [await reason_of(begin("BBBB-BBBB")) for _ in range(22)]
    assert set(answers[:20]) == {"RESOURCE_NOT_FOUND"} and answers[-1] == "SIGN_IN_THROTTLED"
    assert await reason_of(begin(device.user_code)) == "SIGN_IN_THROTTLED", "it learns nothing"
    await begin(device.user_code, "192.0.2.2")
    world.wait(minutes=1)
    for _ in range(3):
        await begin(device.user_code)


@pytest.mark.parametrize("typed", ["BBBB-BBBB", "WDJB-MJH", "WDJB-MJHTX", "AEIO-UAEI", "W" * 17, "é" * 8])
async def test_code_of_no_device_is_told(world: SignInWorld, typed: str) -> None:
    await wait(world)
    assert await reason_of(world.server.sign_in.begin("", typed, "", again=False)) == "RESOURCE_NOT_FOUND"


async def test_code_of_a_device_is_used_once(world: SignInWorld) -> None:
    device = await wait(world)
    keys = [await signed_in(world, device.user_code) for _ in range(2)]
    await world.server.sign_in.consent(keys[0], True)
    assert await reason_of(world.server.sign_in.consent(keys[1], True)) == "RESOURCE_NOT_FOUND"


async def test_person_with_a_session_is_asked_all_the_same(world: SignInWorld) -> None:
    session = (await world.signed_in()).session
    device = await wait(world)
    _, view = await world.server.sign_in.begin(session, device.user_code, "", again=False)
    assert (view.step, view.user_code) == (SignInStep.CONSENT, device.user_code)
    assert await reason_of(ask(world, device)) == "AUTHORIZATION_PENDING"


async def test_device_code_is_for_its_client(world: SignInWorld) -> None:
    device = await wait(world)
    assert await reason_of(ask(world, device, "shop-1")) == "GRANT_INVALID"
    assert await reason_of(world.grant(GRANT, device_code="rdc_x")) == "GRANT_INVALID"


async def test_device_asks_for_what_its_client_may_have(world: SignInWorld) -> None:
    world.add_client("shop-1", grant_types=frozenset({GrantType.AUTHORIZATION_CODE}))
    begin = world.server.devices.begin
    assert await reason_of(begin(ClientProof("shop-1", SECRET), "")) == "GRANT_UNSUPPORTED"
    assert await reason_of(begin(CLI, "no:such")) == "SCOPE_INVALID"
    assert await reason_of(begin(ClientProof("shop-1", "wrong"), "")) == "CLIENT_INVALID"
