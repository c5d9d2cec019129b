"""Field masks (AIP-134) and what messages become."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from rampart.user.v1 import user_pb2 as pb

from meshkit.errors import MeshError
from services.user import convert
from services.user.domain.users import ProfileChange, User, UserChange, unknown_profile

NOW = datetime(2026, 11, 21, 4, 10, 37, 123456, tzinfo=UTC)
ANN = pb.User(user_id="u1", display_name="Ann", email="ann@example.com")


def test_no_mask_means_the_fields_that_are_set() -> None:
    assert convert.user_change(ANN, FieldMask()) == UserChange(display_name="Ann", email="ann@example.com")


def test_mask_names_the_fields_and_may_empty_them() -> None:
    assert convert.user_change(ANN, FieldMask(paths=["email", "phone"])) == UserChange(
        email="ann@example.com", phone=""
    )


def test_star_replaces_everything() -> None:
    assert convert.user_change(ANN, FieldMask(paths=["*"])) == UserChange("Ann", "ann@example.com", "", "")


@pytest.mark.parametrize(
    "path", ["user_id", "create_time", "update_time", "nosuch", "", "email.x", "Email", "displayName", "user.email"]
)
def test_mask_that_names_what_cannot_be_changed_is_refused(path: str) -> None:
    with pytest.raises(MeshError) as caught:
        convert.user_change(ANN, FieldMask(paths=["email", path]))
    assert caught.value.reason == "VALIDATION_FAILED"
    assert [violation.field for violation in caught.value.violations] == ["update_mask"]


@pytest.mark.parametrize("path", ["user_id", "known", "country", "create_time", "*.tier", "email"])
def test_profile_mask_that_names_what_cannot_be_changed_is_refused(path: str) -> None:
    with pytest.raises(MeshError) as caught:
        convert.profile_change(pb.RiskProfile(user_id="u1"), FieldMask(paths=[path]))
    assert [violation.field for violation in caught.value.violations] == ["update_mask"]


def test_profile_fields_may_be_set_to_zero_by_name_only() -> None:
    message = pb.RiskProfile(user_id="u1", base_risk=0, tier="blocked")
    assert convert.profile_change(message, FieldMask()) == ProfileChange(tier="blocked")
    named = FieldMask(paths=["base_risk", "chargeback_count"])
    assert convert.profile_change(message, named) == ProfileChange(base_risk=0, chargeback_count=0)


def test_emptied_tier_is_the_default_one() -> None:
    change = convert.profile_change(pb.RiskProfile(user_id="u1"), FieldMask(paths=["tier"]))
    assert change == ProfileChange(tier="standard")


def test_times_of_a_new_user_are_the_services() -> None:
    sent = pb.User(user_id="u1")
    sent.create_time.seconds = sent.update_time.seconds = 1
    assert convert.new_user(sent, NOW) == User("u1", "", "", "", "", NOW, NOW)


def test_user_message_holds_what_the_user_does() -> None:
    user = User("u1", "Ann", "ann@example.com", "+4912345", "DE", NOW, NOW)
    message = convert.user_message(user)
    assert convert.new_user(message, NOW) == user
    assert message.create_time.ToDatetime(UTC) == message.update_time.ToDatetime(UTC) == NOW


def test_profile_of_nobody_says_so() -> None:
    message = convert.profile_message(unknown_profile("u9"))
    assert message == pb.RiskProfile(user_id="u9", known=False, base_risk=0.1, tier="standard")
    assert not message.HasField("create_time")
