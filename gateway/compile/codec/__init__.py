"""Codecs of ProtoJSON, behind a port.

`ProtobufPyCodec` is what runs. Tests hold it against a second codec on `google.protobuf`'s json_format.
"""

from __future__ import annotations

from gateway.compile.codec.port import Codec, EncodeError, Encoder, RequestCodec
from gateway.compile.codec.protobuf_py import ProtobufPyCodec
from gateway.compile.diagnosis import DecodeError

__all__ = ["Codec", "DecodeError", "EncodeError", "Encoder", "ProtobufPyCodec", "RequestCodec"]
