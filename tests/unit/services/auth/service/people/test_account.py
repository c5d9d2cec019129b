"""What people do to their own accounts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from meshkit.errors import MeshError
from services.auth.domain.totp import totp_code
from services.auth.service.people.account import RECENT_SECONDS
from tests.support.authenticator import SoftAuthenticator
from tests.support.people_cases import HOME, ORIGIN, PASSWORD, RELYING_PARTY, PeopleCases

NEW = "a longer word that will be"
CHANGES: dict[str, tuple[Any, ...]] = {
    "change_password": (PASSWORD, NEW),
    "start_totp": (),
    "confirm_totp": ("000000",),
    "remove_totp": (),
    "start_passkey": (),
    "create_passkey": ("", "{}", "Laptop"),
    "remove_passkey": (b"x",),
    "create_recovery_codes": (),
}


async def reason(call: Any) -> str:
    with pytest.raises(MeshError) as caught:
        await call
    return caught.value.reason


@pytest.mark.parametrize("change", CHANGES)
async def test_change_of_how_one_signs_in_asks_for_a_recent_proof(cases: PeopleCases, change: str) -> None:
    own = cases.own(await cases.join())
    cases.later(RECENT_SECONDS + 1)
    assert await reason(getattr(cases.account, change)(own, *CHANGES[change])) == "REAUTHENTICATION_REQUIRED"
    never = replace(own, authenticated_at=0.0)
    assert await reason(getattr(cases.account, change)(never, *CHANGES[change])) == "REAUTHENTICATION_REQUIRED"
    assert (await cases.account.get(own)).member.member_id == own.subject


@pytest.mark.parametrize("subject", ["operator", "acme-1", "01a1fc5a-3c62-7000-a1f6-6dcddde11fa1"])
async def test_who_is_no_member_has_no_account(cases: PeopleCases, subject: str) -> None:
    assert await reason(cases.account.get(cases.caller("owner", subject=subject))) == "RESOURCE_NOT_FOUND"


async def test_member_who_is_disabled_has_no_account(cases: PeopleCases) -> None:
    member = await cases.join()
    await cases.members.disable(cases.caller("owner"), member.member_id)
    assert await reason(cases.account.get(cases.own(member))) == "RESOURCE_NOT_FOUND"


async def test_password_is_changed_by_who_knows_it(cases: PeopleCases) -> None:
    member = await cases.join()
    own = cases.own(member)
    assert await reason(cases.account.change_password(own, "not the old one", NEW)) == "SIGN_IN_REFUSED"
    assert await reason(cases.account.change_password(own, PASSWORD, "ada byron forever")) == "PASSWORD_REFUSED"
    cases.memory.revocations.clear()
    await cases.account.change_password(own, PASSWORD, NEW)
    assert [each.name for each in cases.memory.revocations] == [member.member_id]
    assert cases.memory.members[member.member_id].signed_out_at == cases.now
    proven = await cases.authentication.check_password(cases.people.tenant.name, member.email, NEW, HOME)
    assert proven.member.member_id == member.member_id


async def test_old_password_is_not_guessed_with_a_stolen_token(cases: PeopleCases) -> None:
    own = cases.own(await cases.join())
    found = [await reason(cases.account.change_password(own, f"guess number {number}", NEW)) for number in range(6)]
    assert found == ["SIGN_IN_REFUSED"] * 4 + ["SIGN_IN_THROTTLED"] * 2


async def test_one_time_password_counts_once_it_is_confirmed(cases: PeopleCases) -> None:
    member = await cases.join()
    own = cases.own(member)
    assert await reason(cases.account.confirm_totp(own, "000000")) == "STATE_NOT_ALLOWED"
    secret, uri = await cases.account.start_totp(own)
    assert secret in uri and not (await cases.account.get(own)).factors.totp
    assert secret.encode() not in repr(cases.memory.totp).encode()
    pending = cases.memory.totp[member.member_id].pending_secret
    assert pending is not None
    opened = cases.sealer.open(pending, f"totp/{member.member_id}")
    code = totp_code(opened, int(cases.now.timestamp() // 30))
    await cases.account.confirm_totp(own, code)
    assert (await cases.account.get(own)).factors.totp
    # The code is used up by it.
    with pytest.raises(MeshError, match="does not prove"):
        await cases.authentication.check_totp(member.member_id, code, HOME)


async def test_last_factor_stays_where_one_is_required(cases: PeopleCases) -> None:
    own = cases.own(await cases.join())
    options, state = await cases.account.start_passkey(own)
    answer = SoftAuthenticator(ORIGIN, RELYING_PARTY).create(options)
    passkey = await cases.account.create_passkey(own, state, answer, "Laptop")
    assert [each.display_name for each in await cases.account.passkeys(own)] == ["Laptop"]
    await cases.members.require_second_factor(own.tenant_id, True)
    assert await reason(cases.account.remove_passkey(own, passkey.credential_id)) == "STATE_NOT_ALLOWED"
    await cases.members.require_second_factor(own.tenant_id, False)
    await cases.account.remove_passkey(own, passkey.credential_id)
    assert await reason(cases.account.remove_passkey(own, passkey.credential_id)) == "RESOURCE_NOT_FOUND"


async def test_passkey_is_registered_once(cases: PeopleCases) -> None:
    own = cases.own(await cases.join())
    authenticator = SoftAuthenticator(ORIGIN, RELYING_PARTY)
    for expected in ("", "RESOURCE_EXISTS"):
        options, state = await cases.account.start_passkey(own)
        call = cases.account.create_passkey(own, state, authenticator.create(options), "Laptop")
        if expected:
            assert await reason(call) == expected
        else:
            renamed = await cases.account.rename_passkey(own, (await call).credential_id, "Old laptop")
            assert renamed.display_name == "Old laptop"


async def test_passkey_gets_no_name_that_nobody_can_read(cases: PeopleCases) -> None:
    own = cases.own(await cases.join())
    options, state = await cases.account.start_passkey(own)
    answer = SoftAuthenticator(ORIGIN, RELYING_PARTY).create(options)
    assert await reason(cases.account.create_passkey(own, state, answer, "Lap\u200btop")) == "VALIDATION_FAILED"
    passkey = await cases.account.create_passkey(own, state, answer, "Laptop")
    renaming = cases.account.rename_passkey(own, passkey.credential_id, "\u202epotpaL")
    assert await reason(renaming) == "VALIDATION_FAILED"


async def test_new_recovery_codes_replace_the_old(cases: PeopleCases) -> None:
    member = await cases.join()
    own = cases.own(member)
    old, new = [await cases.account.create_recovery_codes(own) for _ in range(2)]
    assert (await cases.account.get(own)).factors.recovery_codes == len(new) == 10
    with pytest.raises(MeshError, match="does not prove"):
        await cases.authentication.check_recovery_code(member.member_id, old[0], HOME)
    assert not any(code in repr(cases.memory.codes) for code in (*old, *new))
