"""How people prove who they are."""

from __future__ import annotations

import asyncio
import json
import statistics
import time
from dataclasses import replace
from typing import Any

import pytest

from meshkit.errors import MeshError
from services.auth.adapters.argon2_hasher import Argon2Hasher
from services.auth.adapters.argon2id import Argon2id
from services.auth.adapters.memory_factors import MemoryFailureCounts
from services.auth.domain.members import SecondFactor
from services.auth.domain.totp import totp_code
from tests.support.authenticator import SoftAuthenticator
from tests.support.people_cases import HOME, ORIGIN, PASSWORD, RELYING_PARTY, PeopleCases

AWAY = "198.51.100.9"
WRONG = "incorrect horse battery staple"


async def reason(cases: PeopleCases, email: str, password: str, address: str = AWAY, device: str = "") -> str:
    """Returns how a sign-in ends."""
    try:
        await cases.authentication.check_password(cases.people.tenant.name, email, password, address, device)
    except MeshError as error:
        return error.reason
    return "PROVEN"


async def test_right_password_proves_the_member(cases: PeopleCases) -> None:
    member = await cases.join("Ada@Example.com")
    proven = await cases.authentication.check_password(
        cases.people.tenant.name, "ada@example.COM", PASSWORD, AWAY, "device"
    )
    assert proven.member.member_id == member.member_id and proven.methods == {"pwd"}
    stored = cases.memory.members[member.member_id]
    assert stored.signed_in_at == cases.now


async def test_every_wrong_attempt_is_refused_alike_and_noted(cases: PeopleCases) -> None:
    member = await cases.join()
    await cases.invite("new@example.com")
    gone = await cases.join("gone@example.com")
    off = await cases.join("off@example.com")
    await cases.members.disable(cases.caller("owner"), off.member_id)
    await cases.members.delete(cases.caller("owner"), gone.member_id, lambda _: None)
    attempts = [
        ("ada@example.com", WRONG), ("nobody@example.com", PASSWORD), ("new@example.com", PASSWORD),
        ("off@example.com", PASSWORD), ("gone@example.com", PASSWORD), ("with\0nul", PASSWORD), ("", PASSWORD),
    ]  # fmt: skip
    errors = set()
    for number, (email, password) in enumerate(attempts):
        with pytest.raises(MeshError) as caught:
            await cases.authentication.check_password(cases.people.tenant.name, email, password, f"198.51.100.{number}")
        errors.add((caught.value.kind, caught.value.reason, caught.value.message, str(caught.value.metadata)))
    assert len(errors) == 1 and next(iter(errors))[1] == "SIGN_IN_REFUSED"
    with pytest.raises(MeshError, match="does not prove"):
        await cases.authentication.check_password("no-such-tenant", "ada@example.com", PASSWORD, AWAY)
    noted = [event for event in cases.trail.events if event.action == "sign_in.password"]
    assert len(noted) == len(attempts) + 1 and noted[0].target == f"members/{member.member_id}"
    assert "example.com" not in str(noted) and "198.51.100" not in str(noted)


async def test_who_finds_no_room_has_not_failed(cases: PeopleCases, monkeypatch: pytest.MonkeyPatch) -> None:
    await cases.join()
    monkeypatch.setattr(cases.hasher, "_under_way", 1_000)
    assert await reason(cases, "ada@example.com", WRONG) == "OVERLOADED"
    counts = cases.people.counts
    assert isinstance(counts, MemoryFailureCounts) and not counts.counts
    assert not [event for event in cases.trail.events if event.action == "sign_in.password"]


async def test_unknown_and_known_take_the_same_time() -> None:
    cases = PeopleCases(memory_kib=19_456, passes=2)
    await cases.join()
    times: dict[str, list[float]] = {"ada@example.com": [], "nobody@example.com": []}
    for number in range(12):
        for email, taken in times.items():
            # From somewhere else each time, and long after the last.
            cases.later(86_400)
            begun = time.process_time()
            assert await reason(cases, email, WRONG, f"198.51.100.{number}") == "SIGN_IN_REFUSED"
            # Of all threads of this process, so that others do not count.
            taken.append(time.process_time() - begun)
    cases.hasher.close()
    known, unknown = (statistics.median(taken) for taken in times.values())
    assert 0.7 < unknown / known < 1.4


async def test_long_password_is_refused_without_hashing(cases: PeopleCases, monkeypatch: pytest.MonkeyPatch) -> None:
    await cases.join()
    monkeypatch.setattr(cases.hasher, "verify", None)
    for password in ("x" * 10_000, "nul\0nul-nul", "\ud800surrogate"):
        assert await reason(cases, "ada@example.com", password) == "SIGN_IN_REFUSED"


async def test_victim_gets_in_at_home_whatever_strangers_guess(cases: PeopleCases) -> None:
    await cases.join()
    checked = 0
    for number in range(2_000):
        cases.later(0.25)
        checked += await reason(cases, "ada@example.com", WRONG, f"203.0.{number % 250}.{number // 250}") != (
            "SIGN_IN_THROTTLED"
        )
        if number % 400 == 0:
            assert await reason(cases, "ada@example.com", PASSWORD, HOME) == "PROVEN"
    # 500 seconds of it: as many as an account allows.
    assert checked <= 15
    assert await reason(cases, "ada@example.com", PASSWORD, AWAY) == "SIGN_IN_THROTTLED"


async def test_known_device_is_known_anywhere(cases: PeopleCases) -> None:
    await cases.join()
    assert await reason(cases, "ada@example.com", PASSWORD, AWAY, "laptop") == "PROVEN"
    for number in range(9):
        await reason(cases, "ada@example.com", WRONG, f"203.0.113.{number}", "other")
    assert await reason(cases, "ada@example.com", PASSWORD, "192.0.2.99") == "SIGN_IN_THROTTLED"
    assert await reason(cases, "ada@example.com", PASSWORD, "192.0.2.99", "laptop") == "PROVEN"
    cases.later(31 * 86_400)
    for number in range(9):
        await reason(cases, "ada@example.com", WRONG, f"203.0.113.{number}", "other")
    assert await reason(cases, "ada@example.com", PASSWORD, "192.0.2.98", "laptop") == "SIGN_IN_THROTTLED"


async def test_right_password_counts_after_the_wait_that_is_told(cases: PeopleCases) -> None:
    await cases.join()
    for _ in range(4):
        await reason(cases, "ada@example.com", WRONG)
    with pytest.raises(MeshError) as caught:
        await cases.authentication.check_password(cases.people.tenant.name, "ada@example.com", PASSWORD, AWAY)
    assert caught.value.reason == "SIGN_IN_THROTTLED" and caught.value.retry_after == pytest.approx(1.0)
    cases.later(caught.value.retry_after or 0)
    assert await reason(cases, "ada@example.com", PASSWORD) == "PROVEN"


async def test_unknown_account_is_throttled_as_a_known_one(cases: PeopleCases) -> None:
    await cases.join()
    for email in ("ada@example.com", "nobody@example.com"):
        found = [await reason(cases, email, WRONG, f"203.0.113.{number}") for number in range(8)]
        assert found == ["SIGN_IN_REFUSED"] * 4 + ["SIGN_IN_THROTTLED"] * 4


async def test_hash_with_other_parameters_is_made_anew(cases: PeopleCases) -> None:
    member = await cases.join()
    old = Argon2Hasher(Argon2id(16, 1), threads=1)
    cases.memory.passwords[member.member_id] = outdated = await old.hash(PASSWORD)
    old.close()
    assert await reason(cases, "ada@example.com", WRONG) == "SIGN_IN_REFUSED"
    assert cases.memory.passwords[member.member_id] == outdated
    assert await reason(cases, "ada@example.com", PASSWORD) == "PROVEN"
    assert "m=8," in cases.memory.passwords[member.member_id]


async def test_one_time_code_proves_once(cases: PeopleCases) -> None:
    member = await cases.join()
    secret = await enrolled(cases, member.member_id)
    cases.later(60)
    code = totp_code(secret, int(cases.now.timestamp() // 30))
    tries = [cases.authentication.check_totp(member.member_id, code, HOME) for _ in range(3)]
    ended = await asyncio.gather(*tries, return_exceptions=True)
    assert [each.methods for each in ended if not isinstance(each, BaseException)] == [{"otp"}]
    assert await cases.authentication.factors(member) == {SecondFactor.TOTP}
    for unknown in ("01a1fc5a-3c62-7000-a1f6-6dcddde11fa1", "operator", ""):
        with pytest.raises(MeshError, match="does not prove"):
            await cases.authentication.check_totp(unknown, code, HOME)


async def test_guesses_of_a_code_are_throttled(cases: PeopleCases) -> None:
    member = await cases.join()
    await enrolled(cases, member.member_id)
    found = []
    for _ in range(6):
        with pytest.raises(MeshError) as caught:
            await cases.authentication.check_totp(member.member_id, "000000", AWAY)
        found.append(caught.value.reason)
    assert found == ["SIGN_IN_REFUSED"] * 4 + ["SIGN_IN_THROTTLED"] * 2


async def test_recovery_code_stands_in_once(cases: PeopleCases) -> None:
    member = await cases.join()
    await enrolled(cases, member.member_id)
    code, *_ = await cases.account.create_recovery_codes(cases.own(member))
    proven = await cases.authentication.check_recovery_code(member.member_id, code.upper(), HOME)
    assert proven.methods == {"rc"}
    assert SecondFactor.RECOVERY_CODE in await cases.authentication.factors(member)
    with pytest.raises(MeshError, match="does not prove"):
        await cases.authentication.check_recovery_code(member.member_id, code, HOME)


async def test_password_alone_does_not_make_a_place_known_that_asks_for_more(cases: PeopleCases) -> None:
    member = await cases.join()
    secret = await enrolled(cases, member.member_id)
    assert await reason(cases, "ada@example.com", PASSWORD, AWAY) == "PROVEN"
    assert len(cases.memory.marks[member.member_id]) == 1
    cases.later(60)
    await cases.authentication.check_totp(
        member.member_id, totp_code(secret, int(cases.now.timestamp() // 30)), AWAY, "laptop"
    )
    assert len(cases.memory.marks[member.member_id]) == 3


async def enrolled(cases: PeopleCases, member_id: str) -> bytes:
    """Gives a member a one-time password and returns its secret."""
    member = cases.memory.members[member_id]
    await cases.account.start_totp(cases.own(member))
    sealed = cases.memory.totp[member_id].pending_secret
    assert sealed is not None
    secret = cases.sealer.open(sealed, f"totp/{member_id}")
    await cases.account.confirm_totp(cases.own(member), totp_code(secret, int(cases.now.timestamp() // 30)))
    return secret


async def with_passkey(cases: PeopleCases, member_id: str) -> SoftAuthenticator:
    authenticator = SoftAuthenticator(ORIGIN, RELYING_PARTY)
    own = cases.own(cases.memory.members[member_id])
    options, state = await cases.account.start_passkey(own)
    await cases.account.create_passkey(own, state, authenticator.create(options), "Laptop")
    return authenticator


async def test_passkey_proves_with_and_without_a_name(cases: PeopleCases) -> None:
    member = await cases.join()
    authenticator = await with_passkey(cases, member.member_id)
    for asked in ((None, None), (member.tenant_id, None), (member.tenant_id, member.member_id)):
        options, state = await cases.authentication.begin_passkey(*asked)
        answer = authenticator.get(options)
        proven = await cases.authentication.finish_passkey(state, answer, AWAY)
        assert proven.member.member_id == member.member_id and proven.methods == {"hwk"}
        with pytest.raises(MeshError, match="does not prove"):
            await cases.authentication.finish_passkey(state, answer, AWAY)


@pytest.mark.parametrize(
    "fault", ["origin", "relying_party", "verified", "count", "key", "handle", "late", "json", "member", "disabled"]
)
async def test_passkey_that_is_wrong_in_anything_proves_nothing(cases: PeopleCases, fault: str) -> None:
    member, other = await cases.join(), await cases.join("eve@example.com")
    authenticator = await with_passkey(cases, member.member_id)
    whose = other.member_id if fault == "member" else member.member_id
    options, state = await cases.authentication.begin_passkey(member.tenant_id, whose)
    faults: dict[str, dict[str, Any]] = {
        "origin": {"origin": "https://pay.example.com.evil.test"},
        "relying_party": {"relying_party": "evil.test"},
        "verified": {"verified": False},
        "count": {"count": 0},
        "key": {"key": SoftAuthenticator("", "").key},
        "handle": {"handle": b"x" * 16},
    }
    if fault == "late":
        cases.later(301)
    if fault == "disabled":
        await cases.members.disable(cases.caller("owner"), member.member_id)
    answer = "{" if fault == "json" else replace(authenticator, **faults.get(fault, {})).get(options)
    with pytest.raises(MeshError, match="does not prove"):
        await cases.authentication.finish_passkey(state, answer, AWAY)


async def test_of_one_ceremony_nothing_can_be_made_for_another_member(cases: PeopleCases) -> None:
    member, other = await cases.join(), await cases.join("eve@example.com")
    options, state = await cases.account.start_passkey(cases.own(member))
    answer = SoftAuthenticator(ORIGIN, RELYING_PARTY).create(options)
    with pytest.raises(MeshError, match="does not prove"):
        await cases.account.create_passkey(cases.own(other), state, answer, "Laptop")
    with pytest.raises(MeshError, match="does not prove"):
        await cases.authentication.finish_passkey(state.encode(), answer, AWAY)


async def test_challenge_of_a_sign_in_makes_no_passkey(cases: PeopleCases) -> None:
    member = await cases.join()
    own = cases.own(member)
    asked, _ = await cases.account.start_passkey(own)
    options, state = await cases.authentication.begin_passkey(member.tenant_id, member.member_id)
    mixed = json.dumps({**json.loads(asked), "challenge": json.loads(options)["challenge"]})
    answer = SoftAuthenticator(ORIGIN, RELYING_PARTY).create(mixed)
    with pytest.raises(MeshError, match="does not prove"):
        await cases.account.create_passkey(own, state.decode(), answer, "Laptop")


async def test_words_of_others_that_prove_nothing_are_throttled_by_address(cases: PeopleCases) -> None:
    member = await cases.join()
    for _ in range(30):
        await cases.authentication.accept(await cases.authentication.admit(AWAY, "device"), member, fully=True)
        await cases.authentication.release(await cases.authentication.admit(AWAY, ""))
    assert cases.memory.members[member.member_id].signed_in_at == cases.now
    assert await reason(cases, member.email, WRONG, AWAY, "device") == "SIGN_IN_REFUSED", "the device is his own"
    for _ in range(21):
        await cases.authentication.admit(AWAY, "")
    with pytest.raises(MeshError) as caught:
        await cases.authentication.admit(AWAY, "")
    assert caught.value.reason == "SIGN_IN_THROTTLED"
    await cases.authentication.admit(HOME, "")
