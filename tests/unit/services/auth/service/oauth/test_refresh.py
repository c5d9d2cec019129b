"""Refresh tokens: each has one successor, and a copy that comes too late ends the grant."""

from __future__ import annotations

from datetime import timedelta

import pytest

from services.auth.domain.clients import AuthenticationMethod, GrantType, SenderConstraint
from services.auth.domain.grants import read_refresh, refresh_token
from services.auth.domain.oauth_clients import OFFLINE, OPENID
from services.auth.domain.token_requests import ClientProof, GivenProof
from tests.support.dpop import ProofKey
from tests.support.signing_in import SECRET, SignInWorld, reason_of

URL = "https://api.example/token"


async def test_repeated_refresh_within_the_grace_gets_the_same_successor(world: SignInWorld) -> None:
    first = (await world.redeem(await world.code())).refresh_token
    second = (await world.refresh(first)).refresh_token
    world.wait(seconds=9)
    assert (await world.refresh(first)).refresh_token == second
    world.wait(seconds=60)
    assert (await world.refresh(second)).refresh_token not in (first, second)


async def test_grace_is_no_renewal_of_itself(world: SignInWorld) -> None:
    first = (await world.redeem(await world.code())).refresh_token
    await world.refresh(first)
    for _ in range(2):
        world.wait(seconds=4)
        await world.refresh(first)
    world.wait(seconds=4)
    assert await reason_of(world.refresh(first)) == "GRANT_INVALID"


async def test_reuse_ends_the_grant_and_its_tokens(world: SignInWorld) -> None:
    granted = await world.redeem(await world.code())
    second = await world.refresh(granted.refresh_token)
    world.wait(seconds=11)
    assert await reason_of(world.refresh(granted.refresh_token)) == "GRANT_INVALID"
    assert await reason_of(world.refresh(second.refresh_token)) == "GRANT_INVALID"
    grant_id = (await world.verifier.verify(granted.access.token)).session_id
    assert [(each.kind.value, each.name) for each in world.memory.revocations] == [("session", grant_id)]
    assert world.memory.events[-1].action == "grant.token_reused"


async def test_last_but_one_is_reused_also_within_the_grace(world: SignInWorld) -> None:
    first = (await world.redeem(await world.code())).refresh_token
    second = (await world.refresh(first)).refresh_token
    await world.refresh(second)
    assert await reason_of(world.refresh(first)) == "GRANT_INVALID"


@pytest.mark.parametrize("spoil", ["generation", "seed", "key", "text"])
async def test_token_that_nobody_made_is_refused_and_ends_nothing(world: SignInWorld, spoil: str) -> None:
    good = (await world.redeem(await world.code())).refresh_token
    name = read_refresh(good)
    assert name is not None
    grant = world.memory.grants[name.grant_id]
    generation, key = grant.generation, world.rules().refresh_key
    forged = {
        "generation": refresh_token(grant.grant_id, generation + 1, grant.seed, key),
        "seed": refresh_token(grant.grant_id, generation, bytes(32), key),
        "key": refresh_token(grant.grant_id, generation, grant.seed, bytes(32)),
        "text": good[:-1] + ("A" if good[-1] != "A" else "B"),
    }[spoil]
    assert await reason_of(world.refresh(forged)) == "GRANT_INVALID"
    assert (await world.refresh(good)).refresh_token


async def test_grant_ends_when_it_is_not_used_and_when_it_is_old(world: SignInWorld) -> None:
    idle = (await world.redeem(await world.code())).refresh_token
    world.wait(days=7)
    assert await reason_of(world.refresh(idle)) == "GRANT_INVALID"
    token = (await world.redeem(await world.code())).refresh_token
    for _ in range(5):
        world.wait(days=5, hours=23)
        token = (await world.refresh(token)).refresh_token
    world.wait(hours=6)
    assert await reason_of(world.refresh(token)) == "GRANT_INVALID"


async def test_scope_can_become_less_and_never_more(world: SignInWorld) -> None:
    token = (await world.redeem(await world.code(scope="case:read case:write"))).refresh_token
    less = await world.refresh(token, scope="case:read")
    assert less.access.scope == "case:read"
    assert await reason_of(world.refresh(less.refresh_token, scope="case:read decision:read")) == "SCOPE_INVALID"
    assert (await world.refresh(less.refresh_token)).access.scope == "case:read case:write"


async def test_tokens_say_what_the_member_is_now(world: SignInWorld) -> None:
    token = (await world.redeem(await world.code(scope="case:read case:write"))).refresh_token
    world.change(world.ann, roles=frozenset({"viewer"}))
    granted = await world.refresh(token)
    principal = await world.verifier.verify(granted.access.token)
    assert (granted.access.scope, principal.roles) == ("case:read", frozenset({"viewer"}))


async def test_grant_of_a_member_who_may_not_sign_in_ends(world: SignInWorld) -> None:
    token = (await world.redeem(await world.code())).refresh_token
    world.change(world.ann, disabled_at=world.now)
    assert await reason_of(world.refresh(token)) == "GRANT_INVALID"
    world.change(world.ann)
    assert await reason_of(world.refresh(token)) == "GRANT_INVALID"


async def test_grants_from_before_a_member_was_signed_out_are_over(world: SignInWorld) -> None:
    token, session = (await world.redeem(await world.code())).refresh_token, (await world.signed_in()).session
    world.wait(seconds=1)
    ann = world.change(world.ann, signed_out_at=world.now)
    assert await world.server.account.ongoing(ann.tenant_id, ann.member_id) == []
    assert await reason_of(world.refresh(token)) == "GRANT_INVALID"
    assert await reason_of(world.server.account.open(session)) == "SESSION_INVALID"
    world.wait(seconds=1)
    assert (await world.redeem(await world.code())).refresh_token


async def test_grant_ends_with_its_session_unless_it_was_let_go_on(world: SignInWorld) -> None:
    view = await world.signed_in(scope="openid case:read")
    bound = await world.redeem(view.redirect_uri.split("code=")[1].split("&")[0])
    offline = await world.redeem(await world.code(scope=f"{OPENID} {OFFLINE} case:read"))
    await world.server.account.sign_out(view.session, everywhere=False)
    assert await reason_of(world.refresh(bound.refresh_token)) == "GRANT_INVALID"
    again = await world.refresh(offline.refresh_token)
    ann = world.ann
    [ongoing] = [each for each in await world.server.account.ongoing(ann.tenant_id, ann.member_id) if each.client_name]
    assert ongoing.client_name == "The Shop"
    other = (await world.signed_in()).session
    await world.server.account.sign_out(other, everywhere=True)
    assert await reason_of(world.refresh(again.refresh_token)) == "GRANT_INVALID"


async def test_client_without_the_grant_type_gets_no_refresh_token(world: SignInWorld) -> None:
    world.add_client("shop-1", grant_types=frozenset({GrantType.AUTHORIZATION_CODE}))
    granted = await world.redeem(await world.code())
    assert granted.refresh_token == ""
    [grant] = world.memory.grants.values()
    assert grant.expires_at - grant.created_at == timedelta(seconds=600)


async def test_public_client_needs_the_key_of_its_grant(world: SignInWorld) -> None:
    world.add_client("shop-1", method=AuthenticationMethod.NONE)
    key, other = ProofKey(), ProofKey()

    def proof(of: ProofKey) -> GivenProof:
        return GivenProof(of.proof(world.seconds(), url=URL), "POST", URL)

    granted = await world.redeem(await world.code(), proof=proof(key))
    assert granted.token_type == "DPoP"
    bound = (await world.verifier.verify(granted.access.token)).confirmation
    assert bound is not None and bound.thumbprint == key.thumbprint
    for wrong in (GivenProof(), proof(other)):
        assert await reason_of(world.refresh(granted.refresh_token, proof=wrong)) == "PROOF_INVALID"
    assert (await world.refresh(granted.refresh_token, proof=proof(key))).token_type == "DPoP"


async def test_client_that_proves_who_it_is_may_change_its_key(world: SignInWorld) -> None:
    keys = [ProofKey(), ProofKey()]
    proofs = [GivenProof(key.proof(world.seconds(), url=URL), "POST", URL) for key in keys]
    granted = await world.redeem(await world.code(), proof=proofs[0])
    renewed = await world.refresh(granted.refresh_token, proof=proofs[1])
    bound = (await world.verifier.verify(renewed.access.token)).confirmation
    assert bound is not None and bound.thumbprint == keys[1].thumbprint


async def test_proof_is_good_once(world: SignInWorld) -> None:
    proof = GivenProof(ProofKey().proof(world.seconds(), url=URL), "POST", URL)
    granted = await world.redeem(await world.code(), proof=proof)
    assert await reason_of(world.refresh(granted.refresh_token, proof=proof)) == "PROOF_INVALID"


async def test_code_that_is_bound_to_a_key_is_redeemed_with_it(world: SignInWorld) -> None:
    key, other = ProofKey(), ProofKey()
    code = await world.code(dpop_jkt=key.thumbprint)
    for wrong in (GivenProof(), GivenProof(other.proof(world.seconds(), url=URL), "POST", URL)):
        assert await reason_of(world.redeem(code, proof=wrong)) == "GRANT_INVALID"
    right = GivenProof(key.proof(world.seconds(), url=URL), "POST", URL)
    assert (await world.redeem(code, proof=right)).token_type == "DPoP"


async def test_client_whose_tokens_have_to_be_bound_needs_a_proof(world: SignInWorld) -> None:
    world.add_client("shop-1", constraint=SenderConstraint.DPOP)
    code = await world.code()
    assert await reason_of(world.redeem(code)) == "PROOF_INVALID"
    assert await reason_of(world.grant("client_credentials")) == "PROOF_INVALID"


GRANTS = ["client_credentials", "authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:device_code"]


@pytest.mark.parametrize("asked", [*GRANTS, "password", "implicit", "", "urn:ietf:params:oauth:grant-type:jwt-bearer"])
@pytest.mark.parametrize("allowed", [*GRANTS, ""])
async def test_each_grant_is_for_clients_that_may_have_it(world: SignInWorld, asked: str, allowed: str) -> None:
    world.add_client("shop-1", grant_types=frozenset(map(GrantType, {allowed} - {""})))
    if asked == allowed == "client_credentials":
        assert (await world.grant(asked)).access.scope == "case:read case:write"
        return
    expected = "GRANT_INVALID" if asked and asked == allowed else "GRANT_UNSUPPORTED"
    assert await reason_of(world.grant(asked)) == expected


async def test_revocation_ends_the_grant_of_either_token(world: SignInWorld) -> None:
    proof = ClientProof("shop-1", SECRET)
    for kind in ("refresh", "access"):
        granted = await world.redeem(await world.code())
        token = granted.refresh_token if kind == "refresh" else granted.access.token
        await world.server.revocation.revoke(proof, token)
        assert await reason_of(world.refresh(granted.refresh_token)) == "GRANT_INVALID"


async def test_revocation_of_a_token_of_another_client_does_nothing(world: SignInWorld) -> None:
    world.add_client("shop-2")
    granted = await world.redeem(await world.code())
    for token in (granted.refresh_token, granted.access.token, "", "rrt_x", "a.b.c"):
        await world.server.revocation.revoke(ClientProof("shop-2", SECRET), token)
    assert (await world.refresh(granted.refresh_token)).access.token
    assert world.memory.revocations == []
    assert await reason_of(world.server.revocation.revoke(ClientProof("shop-2", "wrong"), "x")) == "CLIENT_INVALID"


async def test_revoked_token_of_a_program_is_named_alone(world: SignInWorld) -> None:
    granted = await world.grant("client_credentials")
    await world.server.revocation.revoke(ClientProof("shop-1", SECRET), granted.access.token)
    token_id = (await world.verifier.verify(granted.access.token)).token_id
    assert [(each.kind.value, each.name) for each in world.memory.revocations] == [("token", token_id)]


async def test_introspection_tells_the_tenant_and_nobody_else(world: SignInWorld) -> None:
    other = world.add_tenant("other")
    world.add_client("theirs", tenant_id=other.tenant_id)
    world.add_client("open", method=AuthenticationMethod.NONE)
    granted = await world.redeem(await world.code(scope="case:read openid"))
    look = world.server.introspection.introspect
    access = await look(ClientProof("shop-1", SECRET), granted.access.token)
    assert access is not None
    assert (access.subject, access.client_id, access.token_type) == (world.ann.member_id, "shop-1", "Bearer")
    assert (access.expires_at - access.issued_at, access.scope) == (600, "case:read openid")
    refresh = await look(ClientProof("shop-1", SECRET), granted.refresh_token)
    assert refresh is not None
    assert (refresh.token_type, refresh.scope) == ("refresh_token", "case:read openid")
    for token in (granted.access.token, granted.refresh_token, granted.identity_token, "x"):
        assert await look(ClientProof("theirs", SECRET), token) is None
    assert await look(ClientProof("shop-1", SECRET), granted.identity_token) is None
    assert await reason_of(look(ClientProof("open"), granted.access.token)) == "CLIENT_INVALID"
    assert await reason_of(look(ClientProof("shop-1", "wrong"), granted.access.token)) == "CLIENT_INVALID"


async def test_refresh_token_that_was_followed_is_not_active(world: SignInWorld) -> None:
    world.add_client("shop-2")
    first = (await world.redeem(await world.code())).refresh_token
    second = (await world.refresh(first)).refresh_token
    look = world.server.introspection.introspect
    assert await look(ClientProof("shop-1", SECRET), first) is None
    assert await look(ClientProof("shop-2", SECRET), second) is None
    assert await look(ClientProof("shop-1", SECRET), second) is not None


async def test_userinfo_tells_what_was_granted(world: SignInWorld) -> None:
    ask = world.server.userinfo.claims
    little = await ask((await world.redeem(await world.code(scope="openid case:read"))).access.token, GivenProof())
    assert (little.subject, little.name, little.email) == (world.ann.member_id, "", "")
    granted = await world.redeem(await world.code(scope="openid profile email"))
    much = await ask(granted.access.token, GivenProof())
    assert (much.name, much.email, much.email_verified) == ("A Person", "ann@acme.example", True)
    nothing = await world.redeem(await world.code(scope="case:read"))
    assert await reason_of(ask(nothing.access.token, GivenProof())) == "SCOPE_MISSING"
    program = await world.grant("client_credentials")
    assert await reason_of(ask(program.access.token, GivenProof())) == "SCOPE_MISSING"
    assert await reason_of(ask("a.b.c", GivenProof())) == "TOKEN_INVALID"
