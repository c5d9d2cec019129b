"""Field masks (AIP-134) and what messages become."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from rampart.user.v1 import user_pb2 as pb
from rampart.user.v1 import user_service_pb2

from meshkit.errors import MeshError
from services.user import convert
from services.user.domain.users import ProfileChange, Revision, User, UserChange, unknown_profile

NOW = datetime(2026, 11, 21, 4, 10, 37, 123456, tzinfo=UTC)
TAG = UUID("6d5b7f9e-3c1f-4b9a-9a56-0d2f1e4c8b7a")
NEW = Revision(NOW, TAG)
ANN = pb.User(user_id="u1", display_name="Ann", email="ann@example.com")


def test_no_mask_means_the_fields_that_are_set() -> None:
    assert convert.user_change_from_proto(ANN, FieldMask()) == UserChange(display_name="Ann", email="ann@example.com")


def test_mask_names_the_fields_and_may_empty_them() -> None:
    assert convert.user_change_from_proto(ANN, FieldMask(paths=["email", "phone"])) == UserChange(
        email="ann@example.com", phone=""
    )


def test_mask_may_name_the_etag_along_with_what_changes() -> None:
    assert convert.user_change_from_proto(ANN, FieldMask(paths=["etag", "email"])) == UserChange(
        email="ann@example.com"
    )
    assert convert.user_change_from_proto(ANN, FieldMask(paths=["etag"])) == UserChange()


def test_star_replaces_everything() -> None:
    assert convert.user_change_from_proto(ANN, FieldMask(paths=["*"])) == UserChange("Ann", "ann@example.com", "", "")


@pytest.mark.parametrize(
    "path", ["user_id", "create_time", "update_time", "nosuch", "", "email.x", "Email", "displayName", "user.email"]
)
def test_mask_that_names_what_cannot_be_changed_is_refused(path: str) -> None:
    with pytest.raises(MeshError) as caught:
        convert.user_change_from_proto(ANN, FieldMask(paths=["email", path]))
    assert caught.value.reason == "VALIDATION_FAILED"
    assert [violation.field for violation in caught.value.violations] == ["update_mask"]


@pytest.mark.parametrize("path", ["user_id", "known", "country", "create_time", "*.tier", "email"])
def test_profile_mask_that_names_what_cannot_be_changed_is_refused(path: str) -> None:
    with pytest.raises(MeshError) as caught:
        convert.profile_change_from_proto(pb.RiskProfile(user_id="u1"), FieldMask(paths=[path]))
    assert [violation.field for violation in caught.value.violations] == ["update_mask"]


def test_profile_fields_may_be_set_to_zero_by_name_only() -> None:
    message = pb.RiskProfile(user_id="u1", base_risk=0, tier="blocked")
    assert convert.profile_change_from_proto(message, FieldMask()) == ProfileChange(tier="blocked")
    named = FieldMask(paths=["base_risk", "chargeback_count"])
    assert convert.profile_change_from_proto(message, named) == ProfileChange(base_risk=0, chargeback_count=0)


def test_emptied_tier_is_the_default_one() -> None:
    change = convert.profile_change_from_proto(pb.RiskProfile(user_id="u1"), FieldMask(paths=["tier"]))
    assert change == ProfileChange(tier="standard")


def test_times_of_a_new_user_are_the_services() -> None:
    sent = pb.User(user_id="u1")
    sent.create_time.seconds = sent.update_time.seconds = 1
    assert convert.user_from_proto(sent, NEW) == User("u1", "", "", "", "", NOW, NOW, TAG)


def test_user_message_holds_what_the_user_does() -> None:
    user = User("u1", "Ann", "ann@example.com", "+4912345", "DE", NOW, NOW, TAG)
    message = convert.user_to_proto(user)
    assert convert.user_from_proto(message, NEW) == user
    assert message.create_time.ToDatetime(UTC) == message.update_time.ToDatetime(UTC) == NOW


def test_profile_of_nobody_says_so() -> None:
    message = convert.profile_to_proto(unknown_profile("u9"))
    assert message == pb.RiskProfile(user_id="u9", known=False, base_risk=0.1, tier="standard")
    assert not message.HasField("create_time")


def test_etag_is_an_entity_tag_that_names_the_state() -> None:
    user = User("u1", "", "", "", "", NOW, NOW, TAG)
    message = convert.user_to_proto(user)
    assert message.etag == '"6d5b7f9e3c1f4b9a9a560d2f1e4c8b7a"'
    assert convert.state_from_proto(message) == TAG
    assert convert.profile_to_proto(unknown_profile("u9")).etag == ""


@pytest.mark.parametrize(
    ("etag", "state"),
    [
        ("", None),
        ("6d5b7f9e3c1f4b9a9a560d2f1e4c8b7a", TAG),
        ('"6d5b7f9e-3c1f-4b9a-9a56-0d2f1e4c8b7a"', TAG),
        ('W/"6d5b7f9e3c1f4b9a9a560d2f1e4c8b7a"', UUID(int=2**128 - 1)),
        ('"x"', UUID(int=2**128 - 1)),
        ("*", UUID(int=2**128 - 1)),
        ('"', UUID(int=2**128 - 1)),
    ],
)
def test_etag_that_names_no_state_is_that_of_none(etag: str, state: UUID | None) -> None:
    assert convert.state_from_proto(pb.User(etag=etag)) == state


def named(request_id: str, *paths: str, email: str = "", phone: str = "") -> user_service_pb2.UpdateUserRequest:
    user = pb.User(user_id="u1", email=email, phone=phone)
    return user_service_pb2.UpdateUserRequest(user=user, request_id=request_id, update_mask=FieldMask(paths=paths))


def test_request_without_a_name_has_none() -> None:
    assert convert.request_from_proto(named("")) is None


def test_name_of_a_request_counts_however_it_is_written() -> None:
    first = convert.request_from_proto(named(str(TAG), email="ann@example.com"))
    assert first is not None
    assert (first.request_id, first.method) == (TAG, "UpdateUser")
    assert convert.request_from_proto(named(str(TAG).upper(), email="ann@example.com")) == first
    other = convert.request_from_proto(named("0190f5a0-0000-7000-8000-000000000000", email="ann@example.com"))
    assert other is not None
    assert other.fingerprint == first.fingerprint


@pytest.mark.parametrize(
    "other", [named(str(TAG)), named(str(TAG), "email", email="ann@example.com"), named(str(TAG), phone="+4912345")]
)
def test_other_content_has_another_fingerprint(other: user_service_pb2.UpdateUserRequest) -> None:
    first, second = (
        convert.request_from_proto(named(str(TAG), email="ann@example.com")),
        convert.request_from_proto(other),
    )
    assert first is not None
    assert second is not None
    assert first.fingerprint != second.fingerprint


def test_order_of_a_mask_is_no_content() -> None:
    first, second = (
        convert.request_from_proto(named(str(TAG), *paths)) for paths in (("email", "phone"), ("phone", "email"))
    )
    assert first == second
