"""What a picture is, read from its first bytes: its media type and how large it is. Nothing is decoded.

PNG, JPEG, GIF and WebP: what every browser shows and every model with eyes takes.
"""

import struct
from collections.abc import Callable
from dataclasses import dataclass

FRAMES = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})  # the JPEG segments that tell the size
ALONE = frozenset({0x01, *range(0xD0, 0xD9)})  # JPEG markers that nothing follows


@dataclass(frozen=True)
class ImageHeader:
    """A picture's media type, its width and its height in pixels."""

    media_type: str
    width: int
    height: int


def read_header(data: bytes) -> ImageHeader | None:
    """Return what picture this is; None where it is none, or breaks off before it says how large it is."""
    for media_type, begins, measure in KINDS:
        if begins(data):
            try:
                width, height = measure(data)
            except (struct.error, IndexError):
                return None
            return ImageHeader(media_type, width, height) if width and height else None
    return None


def _png(data: bytes) -> tuple[int, int]:
    return _two(">II", data, 16)


def _gif(data: bytes) -> tuple[int, int]:
    return _two("<HH", data, 6)


def _jpeg(data: bytes) -> tuple[int, int]:
    """Walk from segment to segment until one tells the size."""
    at = 2
    while True:
        if data[at] != 0xFF:
            raise IndexError("There is no segment here.")
        kind = data[at + 1]
        if kind in FRAMES:
            height, width = _two(">HH", data, at + 5)
            return width, height
        if kind == 0xFF:  # padding
            at += 1
        elif kind in ALONE:
            at += 2
        else:
            at += 2 + max(2, int.from_bytes(data[at + 2 : at + 4]))


def _webp(data: bytes) -> tuple[int, int]:
    """Read one of the three ways to begin: with alpha or movement, lossless, lossy."""
    match data[12:16]:
        case b"VP8X":
            return 1 + int.from_bytes(data[24:27], "little"), 1 + int.from_bytes(data[27:30], "little")
        case b"VP8L":
            (bits,) = struct.unpack_from("<I", data, 21)
            return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
        case b"VP8 ":
            width, height = _two("<HH", data, 26)
            return width & 0x3FFF, height & 0x3FFF
    raise IndexError("There is no picture in it.")


def _two(form: str, data: bytes, at: int) -> tuple[int, int]:
    first, second = struct.unpack_from(form, data, at)
    return first, second


type Begins = Callable[[bytes], bool]
type Measure = Callable[[bytes], tuple[int, int]]

KINDS: tuple[tuple[str, Begins, Measure], ...] = (
    ("image/png", lambda data: data.startswith(b"\x89PNG\r\n\x1a\n"), _png),
    ("image/jpeg", lambda data: data.startswith(b"\xff\xd8\xff"), _jpeg),
    ("image/gif", lambda data: data.startswith((b"GIF87a", b"GIF89a")), _gif),
    ("image/webp", lambda data: data[:4] == b"RIFF" and data[8:12] == b"WEBP", _webp),
)
