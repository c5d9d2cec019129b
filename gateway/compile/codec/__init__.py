"""ProtoJSON: the codec that the edge uses, behind an interface that a second one proves.

`ProtobufPyCodec` is what runs: it is ten times faster than `JsonFormatCodec`, which is the reference and the fallback.
"""

from __future__ import annotations

from gateway.compile.codec.json_format import JsonFormatCodec
from gateway.compile.codec.port import Codec, EncodeError, Encoder, RequestCodec
from gateway.compile.codec.protobuf_py import ProtobufPyCodec
from gateway.compile.diagnosis import DecodeError

__all__ = ["Codec", "DecodeError", "EncodeError", "Encoder", "JsonFormatCodec", "ProtobufPyCodec", "RequestCodec"]
