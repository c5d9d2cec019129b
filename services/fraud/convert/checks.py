"""Completes requests, brings their identifiers into canonical form, and tells retries from other content (ADR 0026)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from functools import partial
from hashlib import blake2b
from itertools import chain

from rampart.fraud.v1 import decision_pb2
from rampart.fraud.v1 import fraud_service_pb2 as pb

from meshkit.canonical import canonical_address, canonical_email
from meshkit.context import Principal
from meshkit.currencies import DIGITS, LARGEST_MINOR
from services.fraud import errors
from services.fraud.convert.event_values import event_values_from_proto, retired_values_from_proto
from services.fraud.convert.events import fields_to_record
from services.fraud.domain.check import NOTHING_KEPT, Check, Kept, Spelling
from services.fraud.domain.event import Fields, FieldValue, Money
from services.fraud.domain.event_types import PAYMENT, EventType, FieldType
from services.fraud.domain.event_values import EventReader, EventValues
from services.fraud.domain.money import to_minor

__all__ = ["check_from_event", "check_from_proto"]

# Fingerprints of before had no version: 16 bytes over the request as it was sent.
_FINGERPRINT_VERSION = b"\x02"
_OWN_FIELDS = frozenset(field.name for field in PAYMENT.fields)


def check_from_proto(
    request: pb.CheckFraudRequest, principal: Principal, transaction_id: str, reader: EventReader | None = None
) -> Check:
    """Completes a valid request with the tenant's defaults. `reader` reads the attributes that payments have as fields.

    Raises VALIDATION_FAILED for what no rule could use and some rule needs: a currency that is none, an amount too
    large or too precise for it, an address that is none, a time that is none.
    """
    currency, digits, amount_minor = _money(request, principal)
    sent_ip, channel, event_time = request.ip_address, request.channel or "online", _event_time(request)
    user_id, device, merchant = request.user_id, request.device_fingerprint, request.merchant_id
    ip = _address(sent_ip)
    kept, more = _kept(request, sent_ip, ip)
    content = (user_id, str(amount_minor), currency, device, ip, merchant, channel, *more)
    fields: dict[str, FieldValue] = {"user_id": user_id, "amount": Money(amount_minor, currency), "channel": channel}
    _add_given(fields, device, ip, merchant, kept)
    if reader is not None and kept.attributes:
        kept = _add_attributes(fields, kept, reader, principal.currency)
    return Check(
        tenant_id=principal.tenant_id,
        transaction_id=transaction_id,
        event_type=PAYMENT.name,
        fields=fields,
        fingerprint=_fingerprint(content, event_time),
        other_fingerprints=partial(_other_fingerprints, request, content, event_time),
        user_id=user_id,
        merchant=merchant,
        # Without the sign of a negative zero.
        amount=request.transaction_amount + 0.0,
        amount_minor=amount_minor,
        currency=currency,
        currency_digits=digits,
        channel=channel,
        event_time=event_time,
        kept=kept,
        columns=PAYMENT.columns if reader is None else reader.columns,
    )


def check_from_event(
    request: pb.CheckEventRequest, reader: EventReader, principal: Principal, transaction_id: str
) -> Check:
    """Reads an event as its type declares it. Raises VALIDATION_FAILED with every field that is not so."""
    values = event_values_from_proto(reader, request.fields, principal.currency)
    fields = _fields(reader.event_type, values)
    event_time = _event_time(request)
    money = next((value for value in fields.values() if isinstance(value, Money)), Money(0, ""))
    digits = DIGITS.get(money.currency, 0)
    contents = _contents(request, reader, fields, principal.currency)
    return Check(
        tenant_id=principal.tenant_id,
        transaction_id=transaction_id,
        event_type=reader.event_type.name,
        columns=reader.columns,
        fields=fields,
        event_time=event_time,
        fingerprint=_fingerprint(contents[0], event_time),
        other_fingerprints=partial(_other_event_fingerprints, contents, event_time),
        user_id=str(fields.get("user_id", "")),
        merchant=str(fields.get("merchant_id", "")),
        amount=money.minor / 10**digits,
        amount_minor=money.minor,
        currency=money.currency,
        currency_digits=digits,
        channel=str(fields.get("channel", "")),
    )


def _contents(
    request: pb.CheckEventRequest, reader: EventReader, fields: Fields, currency: str
) -> Sequence[Sequence[str]]:
    """Returns what tells an event from others: with what is retired by now, and without, as it may be stored."""
    found = [fields]
    if not reader.retired.isdisjoint(request.fields.fields):
        retired = retired_values_from_proto(reader, request.fields, currency)
        found.insert(0, {**fields, **_fields(reader.event_type, retired)})
    return [(reader.event_type.name, fields_to_record(dict(sorted(each.items()))).decode()) for each in found]


def _fields(event_type: EventType, values: EventValues) -> Fields:
    found: dict[str, FieldValue] = {}
    for field in event_type.fields:
        value = values.seen.get(field.name)
        if value is not None:
            money = field.type is FieldType.MONEY
            found[field.name] = Money(values.exact[field.name], values.currencies[field.name]) if money else value
    return found


def _kept(request: pb.CheckFraudRequest, sent_ip: str, ip: str) -> tuple[Kept, Sequence[str]]:
    """Returns what is kept and counted nowhere, and what of it tells a request from others."""
    card, email, attributes = request.card_fingerprint, request.email, request.attributes
    if not (card or email or attributes or sent_ip != ip):
        return NOTHING_KEPT, ()
    mailbox = canonical_email(email) if email else ""
    spellings = [
        Spelling(field, sent, canonical)
        for field, sent, canonical in (("ip_address", sent_ip, ip), ("email", email, mailbox or email))
        if sent != canonical
    ]
    pairs = dict(sorted(attributes.items()))
    kept = Kept(card, email, pairs, spellings, () if mailbox is not None else ("email",))
    if not (card or email or pairs):
        return kept, ()
    return kept, (card, mailbox or email, *chain.from_iterable(pairs.items()))


def _add_given(fields: dict[str, FieldValue], device: str, ip: str, merchant: str, kept: Kept) -> None:
    """Adds the optional fields that a payment has."""
    if device:
        fields["device_fingerprint"] = device
    if ip:
        fields["ip_address"] = ip
    if merchant:
        fields["merchant_id"] = merchant
    if kept.card:
        fields["card_fingerprint"] = kept.card
    if kept.email:
        fields["email"] = _mailbox(kept)


def _add_attributes(fields: dict[str, FieldValue], kept: Kept, reader: EventReader, currency: str) -> Kept:
    """Adds the attributes that are further fields of payments, and says so if one means nothing there."""
    further = {name: text for name, text in kept.attributes.items() if name not in _OWN_FIELDS}
    values, usable = reader.read_texts(further, currency)
    fields |= _fields(reader.event_type, values)
    return kept if usable else kept._replace(unusable=(*kept.unusable, "attributes"))


def _mailbox(kept: Kept) -> str:
    """Returns the canonical form of the e-mail address, or what was sent if it has none."""
    return next((each.canonical for each in kept.spellings if each.field == "email"), kept.email)


def _money(request: pb.CheckFraudRequest, principal: Principal) -> tuple[str, int, int]:
    """Returns the currency, its digits and the amount in its smallest units."""
    currency = request.currency or principal.currency
    digits = DIGITS.get(currency)
    if digits is None:
        raise errors.currency_unknown()
    if request.transaction_amount * 10**digits > LARGEST_MINOR:
        raise errors.amount_too_large(currency, LARGEST_MINOR // 10**digits)
    amount_minor = to_minor(request.transaction_amount, digits)
    if amount_minor is None:
        raise errors.amount_too_precise(currency, digits)
    return currency, digits, amount_minor


def _address(sent: str) -> str:
    """Returns the canonical form of an address, empty if none was sent."""
    found = canonical_address(sent) if sent else ""
    if found is None:
        raise errors.address_unusable()
    return found


def _event_time(request: pb.CheckFraudRequest | pb.CheckEventRequest) -> datetime | None:
    if not request.HasField("event_time"):
        return None
    try:
        when = request.event_time.ToDatetime(UTC)
    except (ValueError, OverflowError):
        raise errors.event_time_impossible() from None
    # Windows count in milliseconds, so decisions do as well, whichever way their features were read.
    return when.replace(microsecond=when.microsecond // 1000 * 1000)


def _fingerprint(content: Sequence[str], event_time: datetime | None) -> bytes:
    """Hashes what is stored of a request. No text of the contract holds a NUL, so that it can stand between them."""
    when = "" if event_time is None else event_time.isoformat()
    return _FINGERPRINT_VERSION + blake2b("\0".join((when, *content)).encode(), digest_size=16).digest()


def _other_fingerprints(
    request: pb.CheckFraudRequest, content: Sequence[str], event_time: datetime | None, answer: bytes
) -> Collection[bytes]:
    """Returns the further fingerprints of the same content, given the answer that is stored under its key.

    Those of before are over the request as it was sent. And who sends back the time of the answer to a check without
    one says nothing else than that check.
    """
    found = [_fingerprint_of_before(request)]
    if event_time is not None and event_time == decision_pb2.Decision.FromString(answer).event_time.ToDatetime(UTC):
        untimed = pb.CheckFraudRequest()
        untimed.CopyFrom(request)
        untimed.ClearField("event_time")
        found += [_fingerprint(content, None), _fingerprint_of_before(untimed)]
    return found


def _other_event_fingerprints(
    contents: Sequence[Sequence[str]], event_time: datetime | None, answer: bytes
) -> Collection[bytes]:
    """Returns those of all contents, and without a time if that of the event is the one that it was answered with."""
    answered = decision_pb2.Decision.FromString(answer).event_time.ToDatetime(UTC)
    times = (event_time, None) if event_time is not None and event_time == answered else (event_time,)
    return [_fingerprint(content, time) for content in contents for time in times]


def _fingerprint_of_before(request: pb.CheckFraudRequest) -> bytes:
    return blake2b(request.SerializeToString(deterministic=True), digest_size=16).digest()
