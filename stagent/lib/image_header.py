"""Reads the media type and the size of an image from its first bytes, without decoding it.

PNG, JPEG, GIF and WebP: the formats that every browser shows and every vision model accepts.
"""

import struct
from collections.abc import Callable
from dataclasses import dataclass

START_OF_FRAME = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})  # JPEG segments that contain the size
STANDALONE = frozenset({0x01, *range(0xD0, 0xD9)})  # JPEG markers without a segment


@dataclass(frozen=True)
class ImageHeader:
    """Media type; width and height in pixels."""

    media_type: str
    width: int
    height: int


def read_header(data: bytes) -> ImageHeader | None:
    """Return the header of an image; None if it is another file or is cut off before its size."""
    for media_type, has_signature, measure in FORMATS:
        if has_signature(data):
            try:
                width, height = measure(data)
            except (struct.error, IndexError):
                return None
            return ImageHeader(media_type, width, height) if width and height else None
    return None


def _png(data: bytes) -> tuple[int, int]:
    return _unpack_two(">II", data, 16)


def _gif(data: bytes) -> tuple[int, int]:
    return _unpack_two("<HH", data, 6)


def _jpeg(data: bytes) -> tuple[int, int]:
    """Walk over the segments to the one with the size."""
    offset = 2
    while True:
        if data[offset] != 0xFF:
            raise IndexError("Expected a JPEG segment.")
        kind = data[offset + 1]
        if kind in START_OF_FRAME:
            height, width = _unpack_two(">HH", data, offset + 5)
            return width, height
        if kind == 0xFF:  # padding
            offset += 1
        elif kind in STANDALONE:
            offset += 2
        else:
            offset += 2 + max(2, int.from_bytes(data[offset + 2 : offset + 4]))


def _webp(data: bytes) -> tuple[int, int]:
    """Read one of the three variants: extended (alpha or animation), lossless, lossy."""
    match data[12:16]:
        case b"VP8X":
            return 1 + int.from_bytes(data[24:27], "little"), 1 + int.from_bytes(data[27:30], "little")
        case b"VP8L":
            (bits,) = struct.unpack_from("<I", data, 21)
            return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
        case b"VP8 ":
            width, height = _unpack_two("<HH", data, 26)
            return width & 0x3FFF, height & 0x3FFF
    raise IndexError("Expected a WebP image chunk.")


def _unpack_two(form: str, data: bytes, offset: int) -> tuple[int, int]:
    first, second = struct.unpack_from(form, data, offset)
    return first, second


type HasSignature = Callable[[bytes], bool]
type Measure = Callable[[bytes], tuple[int, int]]

FORMATS: tuple[tuple[str, HasSignature, Measure], ...] = (
    ("image/png", lambda data: data.startswith(b"\x89PNG\r\n\x1a\n"), _png),
    ("image/jpeg", lambda data: data.startswith(b"\xff\xd8\xff"), _jpeg),
    ("image/gif", lambda data: data.startswith((b"GIF87a", b"GIF89a")), _gif),
    ("image/webp", lambda data: data[:4] == b"RIFF" and data[8:12] == b"WEBP", _webp),
)
