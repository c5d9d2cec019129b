"""Event types: what a tenant declares an event to be, and the four that every tenant has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType

from services.fraud.domain.expressions.types import ValueKind

__all__ = ["BUILT_IN", "PAYMENT", "EventType", "Field", "FieldType", "usual_entity"]


class FieldType(Enum):
    """What a field holds. It never changes once the field is declared."""

    STRING = "string"
    NUMBER = "number"
    MONEY = "money"
    """An amount with its currency, exact."""
    BOOL = "bool"
    TIME = "time"
    IP = "ip"
    EMAIL = "email"

    @property
    def value_kind(self) -> ValueKind:
        """The kind of value that expressions see."""
        return _VALUE_KINDS[self]


_VALUE_KINDS = {
    FieldType.STRING: ValueKind.STRING,
    FieldType.NUMBER: ValueKind.DOUBLE,
    FieldType.MONEY: ValueKind.DOUBLE,
    FieldType.BOOL: ValueKind.BOOL,
    FieldType.TIME: ValueKind.TIME,
    FieldType.IP: ValueKind.STRING,
    FieldType.EMAIL: ValueKind.STRING,
}


@dataclass(frozen=True, slots=True)
class Field:
    """A field of an event."""

    name: str
    type: FieldType
    required: bool = False
    personal: bool = False
    """Personal data: never in logs, and shown only to who may read it."""
    key: bool = False
    """True for what features may be counted by. Keys of one name are one kind of key in all event types."""
    retired: bool = False
    """Declared still, but no longer read: events may have it, and what uses it finds it missing."""
    description: str = ""
    entity: str = ""
    """The kind of entity that a key names in the graph; that of its own name if empty."""


@dataclass(frozen=True, slots=True)
class EventType:
    """What an event is. A change makes a new version, which keeps every field and its type."""

    name: str
    fields: tuple[Field, ...]
    version: int = 1
    description: str = ""

    @property
    def keys(self) -> Sequence[Field]:
        return [field for field in self.fields if field.key and not field.retired]

    @property
    def columns(self) -> Mapping[str, int]:
        """The column of the store that has each key, from 0: its place among all keys, the retired with them."""
        return {name: place for place, name in enumerate(each.name for each in self.fields if each.key)}

    def field(self, name: str) -> Field | None:
        return next((field for field in self.fields if field.name == name), None)


def usual_entity(event_type: EventType) -> str:
    """Returns the key whose values are compromised by fraud unless somebody names another; empty without a key."""
    keys = [key.name for key in event_type.keys]
    return "user_id" if "user_id" in keys else next(iter(keys), "")


_USER = Field("user_id", FieldType.STRING, required=True, personal=True, key=True)
_DEVICE = Field("device_fingerprint", FieldType.STRING, personal=True, key=True)
_ADDRESS = Field("ip_address", FieldType.IP, personal=True, key=True)
_EMAIL = Field("email", FieldType.EMAIL, personal=True, key=True)

PAYMENT = EventType(
    "payment",
    (
        _USER,
        Field("amount", FieldType.MONEY, required=True),
        _DEVICE,
        _ADDRESS,
        Field("merchant_id", FieldType.STRING, key=True),
        Field("card_fingerprint", FieldType.STRING, personal=True, key=True),
        _EMAIL,
        Field("channel", FieldType.STRING),
    ),
)
"""What `fraud-check` decides about."""

BUILT_IN: Mapping[str, EventType] = MappingProxyType(
    {
        each.name: each
        for each in (
            PAYMENT,
            EventType(
                "login",
                (
                    _USER,
                    _DEVICE,
                    _ADDRESS,
                    Field("success", FieldType.BOOL, required=True),
                    Field("method", FieldType.STRING),
                ),
            ),
            EventType(
                "signup",
                (
                    _USER,
                    _EMAIL,
                    Field("phone", FieldType.STRING, personal=True, key=True),
                    _DEVICE,
                    _ADDRESS,
                    Field("country", FieldType.STRING),
                ),
            ),
            EventType(
                "claim",
                (
                    Field("claimant_id", FieldType.STRING, required=True, personal=True, key=True),
                    Field("amount", FieldType.MONEY, required=True),
                    Field("benefit", FieldType.STRING, required=True),
                    Field("bank_account", FieldType.STRING, personal=True, key=True),
                    Field("household_id", FieldType.STRING, personal=True, key=True),
                    _EMAIL,
                    _DEVICE,
                    _ADDRESS,
                    Field("incident_time", FieldType.TIME),
                ),
            ),
        )
    }
)
"""The event types of every tenant, by name."""
