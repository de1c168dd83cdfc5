"""Frames on a byte stream: MessagePack behind a 4-byte big-endian length. Nothing about who may say what."""

from __future__ import annotations

import asyncio
import struct

import msgspec

from cockpit.domain.errors import LocalProtocolError, RemoteProtocolError
from cockpit.views.frames import MAX_FRAME, ClientFrame, EngineFrame

_LENGTH = struct.Struct(">I")
_encode = msgspec.msgpack.Encoder().encode
_decode_client = msgspec.msgpack.Decoder(ClientFrame).decode
_decode_engine = msgspec.msgpack.Decoder(EngineFrame).decode
_UNDECODABLE = (ValueError, RecursionError)
"""What msgspec raises on hostile bytes (its own errors and UnicodeDecodeError are ValueErrors)."""


class _AnySchema(msgspec.Struct, tag_field="type", tag="attach"):
    """The one field of an ``Attach`` that every schema has."""

    schema: int


_decode_schema = msgspec.msgpack.Decoder(_AnySchema).decode


def pack(frame: EngineFrame | ClientFrame) -> bytes:
    """The bytes of a frame, length first.

    Raises:
        LocalProtocolError: the frame is longer than the other side accepts.
    """
    body = _encode(frame)
    if len(body) > MAX_FRAME:
        raise LocalProtocolError(f"{type(frame).__name__} of {len(body)} bytes is longer than a frame may be")
    return _LENGTH.pack(len(body)) + body


async def read_body(reader: asyncio.StreamReader, longest: int = MAX_FRAME) -> bytes:
    """The next frame's bytes without the length.

    Raises:
        ConnectionError: the stream ended.
        RemoteProtocolError: the announced length is 0 or above ``longest``.
    """
    try:
        (length,) = _LENGTH.unpack(await reader.readexactly(_LENGTH.size))
        if not 0 < length <= longest:
            raise RemoteProtocolError(f"a frame of {length} bytes was announced; at most {longest} are accepted")
        return await reader.readexactly(length)
    except asyncio.IncompleteReadError as error:
        raise ConnectionResetError("the other side closed the connection") from error


def client_frame(body: bytes) -> ClientFrame:
    """Decode strictly: an unknown field, type or overlong text is refused.

    Raises:
        RemoteProtocolError: it is not a frame of a client.
    """
    try:
        frame: ClientFrame = _decode_client(body)
    except _UNDECODABLE as error:
        raise RemoteProtocolError(f"not a client's frame: {error}") from error
    return frame


def engine_frame(body: bytes) -> EngineFrame:
    """Decode what an engine of the same schema says.

    Raises:
        RemoteProtocolError: it is not a frame of such an engine.
    """
    try:
        frame: EngineFrame = _decode_engine(body)
    except _UNDECODABLE as error:
        raise RemoteProtocolError(f"not an engine's frame: {error}") from error
    return frame


def schema_of(body: bytes) -> int:
    """The schema of an ``Attach`` of any version.

    Raises:
        RemoteProtocolError: it is no ``Attach``.
    """
    try:
        return _decode_schema(body).schema
    except _UNDECODABLE as error:
        raise RemoteProtocolError(f"not the first frame of a client: {error}") from error
