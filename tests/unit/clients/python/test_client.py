"""The typed client against a real gRPC server over mutual TLS."""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import grpc
import pytest
from google.protobuf import duration_pb2
from google.rpc import error_details_pb2
from opentelemetry import trace
from rampart.fraud.v1 import fraud_service_pb2
from rampart_client import Config, Rampart, RampartError, Violation
from rampart_client.fraud import BatchCheckFraudRequest, CheckFraudRequest, GetDecisionRequest
from rampart_client.user import CreateUserRequest, User

from tests.support.certificates import Certificates
from tests.support.platform import Platform, Seen, Trouble

REQUEST = CheckFraudRequest(user_id="ada", transaction_amount=12.5, channel="card_present")


def reason(name: str) -> error_details_pb2.ErrorInfo:
    return error_details_pb2.ErrorInfo(reason=name, domain="rampart", metadata={"transaction_id": "t"})


def retry_after(seconds: float) -> error_details_pb2.RetryInfo:
    return error_details_pb2.RetryInfo(retry_delay=duration_pb2.Duration(nanos=int(seconds * 1e9)))


class FirstCalls:
    """Fails the first calls of a method."""

    def __init__(self, count: int, trouble: Trouble, method: str = "CheckFraud") -> None:
        self.left, self.trouble, self.method = count, trouble, method

    def __call__(self, seen: Seen) -> None:
        if seen.method == self.method and self.left:
            self.left -= 1
            raise self.trouble


async def test_a_call_carries_token_request_id_trace_and_certificate(platform: Platform, rampart: Rampart) -> None:
    decision = await rampart.fraud.check_fraud(REQUEST)
    assert (decision.outcome, decision.confidence_score, decision.user_id) == ("review", 0.5, "ada")
    [login] = platform.of("IssueToken")
    assert (login.request.client_id, login.request.client_secret) == ("client-1", "secret")
    assert "authorization" not in login.metadata
    [seen] = platform.of("CheckFraud")
    assert seen.metadata["authorization"] == "Bearer token-1"
    assert uuid.UUID(seen.metadata["x-request-id"]).version == 7
    # Nobody records here, and who says so for the service takes the choice from its sampler.
    assert "traceparent" not in seen.metadata
    assert seen.peer == "spiffe://rampart.local/client/shop"


async def test_a_call_may_bring_its_own_deadline_request_id_and_trace(platform: Platform, rampart: Rampart) -> None:
    sent = f"00-{'a' * 32}-{'b' * 16}-00"
    await rampart.fraud.check_fraud(REQUEST, timeout=0.7, request_id="mine", traceparent=sent)
    await rampart.fraud.check_fraud(REQUEST)
    own, default = platform.of("CheckFraud")
    assert (own.metadata["x-request-id"], own.metadata["traceparent"]) == ("mine", sent)
    assert 0.3 < own.remaining < 0.8
    assert 1.5 < default.remaining < 2.1


async def test_a_call_is_in_the_trace_of_its_callers_span(platform: Platform, rampart: Rampart) -> None:
    state = trace.TraceState.from_header(["vendor=1"])
    span = trace.NonRecordingSpan(trace.SpanContext(0xA, 0xB, False, trace.TraceFlags(1), state))
    with trace.use_span(span):
        await rampart.fraud.check_fraud(REQUEST)
    [seen] = platform.of("CheckFraud")
    assert (seen.metadata["traceparent"], seen.metadata["tracestate"]) == (f"00-{0xA:032x}-{0xB:016x}-01", "vendor=1")


async def test_messages_of_both_generators_are_the_same_on_the_wire() -> None:
    moment = datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=UTC)
    ours = CheckFraudRequest(
        user_id="ada", transaction_amount=0.0, event_time=moment, ip_address="::1", attributes={"basket": "7"}
    )
    theirs = fraud_service_pb2.CheckFraudRequest.FromString(bytes(ours))
    assert theirs.HasField("transaction_amount")
    assert theirs.event_time.ToDatetime(UTC) == moment
    assert dict(theirs.attributes) == {"basket": "7"}
    assert CheckFraudRequest.parse(theirs.SerializeToString()) == ours


async def test_calls_that_wait_for_a_token_share_one_login(platform: Platform, rampart: Rampart) -> None:
    platform.token_delay = 0.1
    await asyncio.gather(*(rampart.fraud.check_fraud(REQUEST) for _ in range(30)))
    assert len(platform.of("IssueToken")) == 1
    assert {seen.metadata["authorization"] for seen in platform.of("CheckFraud")} == {"Bearer token-1"}


async def test_a_token_is_renewed_before_it_expires(platform: Platform, rampart: Rampart) -> None:
    platform.token_lifetime = 1
    await rampart.fraud.check_fraud(REQUEST)
    await asyncio.sleep(0.85)
    await rampart.fraud.check_fraud(REQUEST)
    assert [seen.metadata["authorization"] for seen in platform.of("CheckFraud")] == [
        "Bearer token-1",
        "Bearer token-2",
    ]


@pytest.mark.parametrize("why", ["TOKEN_INVALID", "TOKEN_REVOKED"])
async def test_a_refused_token_is_replaced_once(platform: Platform, rampart: Rampart, why: str) -> None:
    platform.trouble = FirstCalls(1, Trouble(grpc.StatusCode.UNAUTHENTICATED, details=(reason(why),)))
    await rampart.fraud.check_fraud(REQUEST)
    assert [seen.metadata["authorization"] for seen in platform.of("CheckFraud")] == [
        "Bearer token-1",
        "Bearer token-2",
    ]
    platform.trouble = FirstCalls(9, Trouble(grpc.StatusCode.UNAUTHENTICATED, details=(reason(why),)))
    with pytest.raises(RampartError) as caught:
        await rampart.fraud.check_fraud(REQUEST)
    assert caught.value.reason == why
    assert len(platform.of("CheckFraud")) == 4


async def test_a_token_that_holds_is_used_while_the_auth_service_is_away(platform: Platform, rampart: Rampart) -> None:
    platform.token_lifetime = 7
    await rampart.fraud.check_fraud(REQUEST)
    platform.trouble = FirstCalls(99, Trouble(grpc.StatusCode.UNAVAILABLE), "IssueToken")
    held = rampart._tokens._held
    assert held is not None
    held.renew_at = time.monotonic()
    await rampart.fraud.check_fraud(REQUEST)
    assert len(platform.of("IssueToken")) > 1
    assert {seen.metadata["authorization"] for seen in platform.of("CheckFraud")} == {"Bearer token-1"}


async def test_wrong_credentials_are_known_when_connecting(platform: Platform, config: Config) -> None:
    platform.trouble = FirstCalls(
        1, Trouble(grpc.StatusCode.UNAUTHENTICATED, "no", (reason("CLIENT_INVALID"),)), "IssueToken"
    )
    with pytest.raises(RampartError, match="CLIENT_INVALID: no"):
        await Rampart.connect(config)
    rampart = await Rampart.connect(config)
    await rampart.fraud.check_fraud(REQUEST)
    await rampart.close()
    assert platform.tokens == 1


async def test_an_error_is_typed(platform: Platform, rampart: Rampart) -> None:
    violation = error_details_pb2.BadRequest.FieldViolation(field="user_id", description="is empty", reason="min_len")
    details = (
        reason("VALIDATION_FAILED"),
        error_details_pb2.BadRequest(field_violations=[violation]),
        retry_after(0.5),
    )
    platform.trouble = FirstCalls(1, Trouble(grpc.StatusCode.INVALID_ARGUMENT, "wrong", details))
    with pytest.raises(RampartError) as caught:
        await rampart.fraud.check_fraud(REQUEST, request_id="r-1")
    error = caught.value
    assert (error.code, error.reason, error.message) == (grpc.StatusCode.INVALID_ARGUMENT, "VALIDATION_FAILED", "wrong")
    assert error.metadata == {"transaction_id": "t"}
    assert error.violations == (Violation("user_id", "is empty", "min_len"),)
    assert (error.retry_after, error.request_id) == (0.5, "r-1")
    assert len(platform.of("CheckFraud")) == 1


async def test_an_answer_without_its_content_is_an_error(rampart: Rampart) -> None:
    with pytest.raises(RampartError) as caught:
        await rampart.fraud.get_decision(GetDecisionRequest(decision_id="x"))
    assert caught.value.code is grpc.StatusCode.INTERNAL


async def test_unavailable_is_tried_again_as_the_same_transaction(platform: Platform, rampart: Rampart) -> None:
    platform.trouble = FirstCalls(2, Trouble(grpc.StatusCode.UNAVAILABLE))
    decision = await rampart.fraud.check_fraud(REQUEST)
    calls = platform.of("CheckFraud")
    assert len(calls) == 3
    assert {seen.request.transaction_id for seen in calls} == {decision.transaction_id}
    assert uuid.UUID(decision.transaction_id).version == 7
    assert len({seen.metadata["x-request-id"] for seen in calls}) == 1
    assert REQUEST.transaction_id == ""


async def test_every_item_of_a_batch_gets_its_own_id(platform: Platform, rampart: Rampart) -> None:
    named = replace(REQUEST, transaction_id="mine")
    await rampart.fraud.batch_check_fraud(BatchCheckFraudRequest(requests=[REQUEST, named, REQUEST]))
    [seen] = platform.of("BatchCheckFraud")
    first, second, third = (item.transaction_id for item in seen.request.requests)
    assert second == "mine"
    assert len({first, second, third}) == 3 and first and third


@pytest.mark.parametrize(
    "code", [grpc.StatusCode.INTERNAL, grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.ABORTED]
)
async def test_no_other_error_is_tried_again(platform: Platform, rampart: Rampart, code: grpc.StatusCode) -> None:
    platform.trouble = FirstCalls(1, Trouble(code))
    with pytest.raises(RampartError):
        await rampart.fraud.check_fraud(REQUEST)
    assert len(platform.of("CheckFraud")) == 1


async def test_a_method_that_is_not_safe_to_repeat_is_not_repeated(platform: Platform, rampart: Rampart) -> None:
    platform.trouble = FirstCalls(1, Trouble(grpc.StatusCode.UNAVAILABLE), "CreateUser")
    with pytest.raises(RampartError):
        await rampart.user.create_user(CreateUserRequest(user=User(user_id="ada")))
    assert len(platform.of("CreateUser")) == 1
    user = await rampart.user.create_user(CreateUserRequest(user=User(user_id="ada")))
    assert user.user_id == "ada"


async def test_the_servers_pause_is_kept_before_a_retry(platform: Platform, rampart: Rampart) -> None:
    await rampart.fraud.check_fraud(REQUEST)
    platform.trouble = FirstCalls(1, Trouble(grpc.StatusCode.UNAVAILABLE, details=(retry_after(0.4),)))
    started = time.monotonic()
    await rampart.fraud.check_fraud(REQUEST)
    assert 0.4 <= time.monotonic() - started < 1


async def test_a_pause_longer_than_the_deadline_is_not_waited_for(platform: Platform, rampart: Rampart) -> None:
    await rampart.fraud.check_fraud(REQUEST)
    platform.trouble = FirstCalls(1, Trouble(grpc.StatusCode.UNAVAILABLE, details=(retry_after(0.9),)))
    started = time.monotonic()
    with pytest.raises(RampartError) as caught:
        await rampart.fraud.check_fraud(REQUEST, timeout=0.5)
    assert caught.value.code is grpc.StatusCode.UNAVAILABLE
    assert time.monotonic() - started < 0.4


async def test_retries_stay_within_a_tenth_of_the_calls(platform: Platform, rampart: Rampart) -> None:
    await rampart.fraud.check_fraud(REQUEST)
    platform.trouble = FirstCalls(10_000, Trouble(grpc.StatusCode.UNAVAILABLE))
    calls = [rampart.fraud.check_fraud(REQUEST) for _ in range(200)]
    results = await asyncio.gather(*calls, return_exceptions=True)
    assert all(isinstance(result, RampartError) for result in results)
    # The burst of 10, and a tenth of 200.
    assert 200 < len(platform.of("CheckFraud")) - 1 <= 200 + 10 + 20


async def test_a_deadline_ends_a_call_that_hangs(platform: Platform, rampart: Rampart) -> None:
    await rampart.fraud.check_fraud(REQUEST)
    platform.trouble = lambda seen: asyncio.sleep(5)
    started = time.monotonic()
    with pytest.raises(RampartError) as caught:
        await rampart.fraud.check_fraud(REQUEST, timeout=0.3)
    assert caught.value.code is grpc.StatusCode.DEADLINE_EXCEEDED
    assert time.monotonic() - started < 0.6


async def test_a_login_that_hangs_ends_at_the_calls_deadline(platform: Platform, rampart: Rampart) -> None:
    platform.token_delay = 5
    started = time.monotonic()
    with pytest.raises(RampartError) as caught:
        await rampart.fraud.check_fraud(REQUEST, timeout=0.3)
    assert caught.value.code is grpc.StatusCode.DEADLINE_EXCEEDED
    assert time.monotonic() - started < 0.6
    platform.token_delay = 0
    await rampart.fraud.check_fraud(REQUEST)


async def test_a_server_that_is_back_is_found_within_a_second(platform: Platform, rampart: Rampart) -> None:
    await rampart.fraud.check_fraud(REQUEST)
    await platform.stop()
    with pytest.raises(RampartError) as caught:
        await rampart.fraud.check_fraud(REQUEST)
    assert (caught.value.code, caught.value.reason) == (grpc.StatusCode.UNAVAILABLE, "")
    await platform.start()
    deadline = time.monotonic() + 1.5
    while True:
        try:
            await rampart.fraud.check_fraud(REQUEST)
            return
        except RampartError:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.05)


async def test_a_server_of_another_authority_is_not_trusted(config: Config, tmp_path: Path) -> None:
    stranger = Certificates(tmp_path / "other").identity("client/shop")
    async with Rampart(replace(config, ca_file=stranger.ca, max_attempts=1)) as rampart:
        with pytest.raises(RampartError) as caught:
            await rampart.fraud.check_fraud(REQUEST)
    assert caught.value.code is grpc.StatusCode.UNAVAILABLE


def test_the_configuration_comes_from_what_make_up_writes(tmp_path: Path) -> None:
    path = tmp_path / "dev.json"
    names = ("auth", "fraud", "user", "data")
    path.write_text(
        json.dumps(
            {
                "grpc": {name: f"127.0.0.1:{port}" for port, name in enumerate(names, 1)},
                "ca_file": "/ca",
                "client_cert_file": "/cert",
                "client_key_file": "/key",
                "client": {"tenant": "acme", "client_id": "id", "client_secret": "hush"},
            }
        )
    )
    config = Config.from_dev(path)
    assert (config.auth, config.fraud, config.data) == ("127.0.0.1:1", "127.0.0.1:2", "127.0.0.1:4")
    assert (config.client_id, config.client_secret, config.key_file) == ("id", "hush", Path("/key"))
    assert "hush" not in repr(config)


def test_a_missing_or_incomplete_configuration_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="start the platform with `make up`"):
        Config.from_dev(tmp_path / "dev.json")
    (tmp_path / "dev.json").write_text("{}")
    with pytest.raises(ValueError, match="is not what `make up` writes"):
        Config.from_dev(tmp_path / "dev.json")
