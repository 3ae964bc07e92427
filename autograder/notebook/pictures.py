"""Check pictures that students attach or display, by their bytes: kind, size, width and height.

A browser shows PNG, JPEG, GIF and WebP as they are. An SVG is shown as a picture (`<img>`), where it runs no scripts
and loads nothing. Only the first bytes are read here; nothing is decoded on the trusted side.
"""

import base64
import binascii
import re
import struct
from collections.abc import Callable

MAX_PICTURE = 6 << 20  # characters of base64 in one picture
MAX_PIXELS = 40_000_000  # a browser needs four bytes for each
SVG = "image/svg+xml"

_Size = Callable[[bytes], tuple[int, int]]
_JPEG_FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}  # the markers of the segments with a height and a width


def picture(kind: str, value: object) -> str | None:
    """Return a picture as a data URL, encoded again from its bytes, or None if it is not to be shown.

    Args:
        kind: Its media type, as the notebook states it. The bytes decide.
        value: Its base64, or the text of an SVG.
    """
    if not isinstance(value, str) or len(value) > MAX_PICTURE:
        return None
    content = value.encode() if kind == SVG and "<" in value else _decoded(value)
    real = _kind(content)
    return f"data:{real};base64,{base64.b64encode(content).decode()}" if real else None


def _decoded(value: str) -> bytes:
    try:
        return base64.b64decode("".join(value.split()), validate=True)
    except (binascii.Error, ValueError):
        return b""


def _kind(content: bytes) -> str | None:
    """Return a picture's media type by its bytes; None if it is none of ours, damaged or too large."""
    for kind, (start, size) in KINDS.items():
        if start.match(content):
            try:
                width, height = size(content)
            except (struct.error, IndexError):
                return None
            return kind if 0 < width * height <= MAX_PIXELS else None
    is_svg = re.match(rb"\s*(<\?xml[^>]*>\s*)?(<!--.*?-->\s*)*(<!DOCTYPE[^>\[]*>\s*)?<svg\b", content, re.DOTALL)
    return SVG if is_svg and b"<!ENTITY" not in content else None  # entities can grow without end


def _png(content: bytes) -> tuple[int, int]:
    width, height = struct.unpack_from(">II", content, 16)
    return width, height


def _gif(content: bytes) -> tuple[int, int]:
    width, height = struct.unpack_from("<HH", content, 6)
    return width, height


def _jpeg(content: bytes) -> tuple[int, int]:
    at = 2
    while True:
        marker, length = struct.unpack_from(">xBH", content, at)
        if marker in _JPEG_FRAMES:
            height, width = struct.unpack_from(">HH", content, at + 5)
            return width, height
        at += 2 + length


def _webp(content: bytes) -> tuple[int, int]:
    form = content[12:16]
    if form == b"VP8X":
        return 1 + int.from_bytes(content[24:27], "little"), 1 + int.from_bytes(content[27:30], "little")
    if form == b"VP8L":
        (bits,) = struct.unpack_from("<I", content, 21)
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    width, height = struct.unpack_from("<HH", content, 26)
    return width & 0x3FFF, height & 0x3FFF


KINDS: dict[str, tuple[re.Pattern[bytes], _Size]] = {
    "image/png": (re.compile(rb"\x89PNG\r\n\x1a\n"), _png),
    "image/jpeg": (re.compile(rb"\xff\xd8\xff"), _jpeg),
    "image/gif": (re.compile(rb"GIF8[79]a"), _gif),
    "image/webp": (re.compile(rb"RIFF.{4}WEBP", re.DOTALL), _webp),
}
