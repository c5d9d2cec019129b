from buf.validate import validate_pb2 as _validate_pb2
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Optional as _Optional

DESCRIPTOR: _descriptor.FileDescriptor

class ExchangeRate(_message.Message):
    __slots__ = ("currency", "usd_per_unit", "since")
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    USD_PER_UNIT_FIELD_NUMBER: _ClassVar[int]
    SINCE_FIELD_NUMBER: _ClassVar[int]
    currency: str
    usd_per_unit: float
    since: str
    def __init__(self, currency: _Optional[str] = ..., usd_per_unit: _Optional[float] = ..., since: _Optional[str] = ...) -> None: ...
