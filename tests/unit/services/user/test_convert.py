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
from services.user.domain.users import (
    ABSENT,
    ProfileChange,
    Revision,
    RiskProfile,
    User,
    UserChange,
    unknown_profile,
)

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


@pytest.mark.parametrize("path", ["nosuch", "", "email.x", "Email", "displayName", "user.email", "create_time.seconds"])
def test_mask_that_names_what_is_no_field_is_refused(path: str) -> None:
    with pytest.raises(MeshError) as caught:
        convert.user_change_from_proto(ANN, FieldMask(paths=["email", path]))
    assert caught.value.reason == "VALIDATION_FAILED"
    assert [violation.field for violation in caught.value.violations] == ["update_mask"]


def stored_user() -> User:
    return User("u1", "Ann", "ann@example.com", "", "", NOW, NOW, TAG)


def check_user(sent: pb.User, *paths: str) -> list[str]:
    """Returns the fields of which an update of the stored user says otherwise."""
    check = convert.user_check_from_proto(sent, FieldMask(paths=paths))
    try:
        if check is not None:
            check(stored_user())
    except MeshError as error:
        assert error.reason == "VALIDATION_FAILED"
        return [violation.field for violation in error.violations]
    return []


def test_what_was_read_may_be_sent_back() -> None:
    sent = convert.user_to_proto(stored_user())
    paths = [field.name for field in pb.User.DESCRIPTOR.fields]
    for mask in ([], paths, ["*"], [path for path in paths if path != "etag"]):
        assert check_user(sent, *mask) == []
    sent.display_name = "Ann B."
    assert convert.user_change_from_proto(sent, FieldMask(paths=paths)) == UserChange(
        "Ann B.", "ann@example.com", "", ""
    )


def test_time_that_a_client_keeps_in_milliseconds_is_the_same() -> None:
    sent = convert.user_to_proto(stored_user())
    for time in (sent.create_time, sent.update_time):
        time.nanos = time.nanos // 1_000_000 * 1_000_000
    assert check_user(sent) == []


def test_another_creation_is_refused_and_another_update_of_the_state_that_the_etag_names() -> None:
    sent = convert.user_to_proto(stored_user())
    sent.create_time.seconds -= 1
    sent.update_time.seconds -= 1
    assert check_user(sent) == ["user.create_time", "user.update_time"]
    # A state that is gone tells nothing about a wish.
    sent.etag = ""
    assert check_user(sent) == ["user.create_time"]
    sent.etag = "another"
    assert check_user(sent) == ["user.create_time"]
    assert check_user(pb.User(user_id="u1"), "create_time") == ["user.create_time"]
    assert check_user(pb.User(user_id="u1", email="b@example.com")) == []


def test_what_a_profile_shows_of_its_user_is_compared_in_the_state_that_the_etag_names() -> None:
    stored = RiskProfile("u1", True, 0.1, "standard", 0, "DE", NOW, TAG)
    sent = convert.profile_to_proto(stored)
    everything = FieldMask(paths=[field.name for field in pb.RiskProfile.DESCRIPTOR.fields])
    check = convert.profile_check_from_proto(sent, everything)
    assert check is not None
    check(stored)
    sent.known = False
    sent.country = "FR"
    with pytest.raises(MeshError) as caught:
        check(stored)
    assert [violation.field for violation in caught.value.violations] == ["risk_profile.country", "risk_profile.known"]
    sent.etag = ""
    assert convert.profile_check_from_proto(sent, everything) is None


@pytest.mark.parametrize("path", ["nosuch", "*.tier", "email"])
def test_profile_mask_that_names_what_is_no_field_is_refused(path: str) -> None:
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
    assert message == pb.RiskProfile(user_id="u9", known=False, base_risk=0.1, tier="standard", etag=message.etag)
    assert not message.HasField("create_time")
    assert convert.state_from_proto(message) == ABSENT, "a state that can be a condition as well"


def test_etag_is_an_entity_tag_that_names_the_state() -> None:
    user = User("u1", "", "", "", "", NOW, NOW, TAG)
    message = convert.user_to_proto(user)
    assert message.etag == '"6d5b7f9e3c1f4b9a9a560d2f1e4c8b7a"'
    assert convert.state_from_proto(message) == TAG


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


def test_what_is_not_stored_is_no_content() -> None:
    answer = convert.user_to_proto(stored_user())
    asked = pb.User(user_id="u1", display_name="Ann", email="ann@example.com")
    first, second = (
        convert.request_from_proto(user_service_pb2.CreateUserRequest(user=user, request_id=str(TAG)))
        for user in (asked, answer)
    )
    assert first == second
    names = [field.name for field in pb.User.DESCRIPTOR.fields]
    paths = [name for name in names if name not in ("user_id", "create_time", "update_time")]
    answer.etag = answer.etag.strip('"')
    tagged = pb.User(user_id="u1", display_name="Ann", email="ann@example.com", etag=f'"{TAG.hex}"')
    whole, own = (
        convert.request_from_proto(
            user_service_pb2.UpdateUserRequest(user=user, request_id=str(TAG), update_mask=FieldMask(paths=mask))
        )
        for user, mask in ((answer, names), (tagged, [*paths, "email"]))
    )
    assert whole == own
    nothing = user_service_pb2.UpdateUserRequest(
        user=answer, request_id=str(TAG), update_mask=FieldMask(paths=["create_time"])
    )
    assert convert.request_from_proto(nothing) != whole
