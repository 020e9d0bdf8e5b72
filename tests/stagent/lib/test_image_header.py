"""How large a picture is, from the first bytes of each kind."""

import struct

import pytest

from stagent.lib.image_header import ImageHeader, read_header
from tests.support.files import png

APP0 = b"\xff\xe0\x00\x04ab"
SOF = b"\xff\xc2\x00\x11\x08\x00\x14\x00\x1e" + b"\0" * 10
JPEG = b"\xff\xd8" + APP0 + b"\xff" + SOF  # with padding between two segments
GIF = b"GIF89a" + struct.pack("<HH", 30, 20)
LOSSY = b"RIFF\0\0\0\0WEBPVP8 " + b"\0" * 4 + b"\0\0\0\x9d\x01\x2a" + struct.pack("<HH", 30 | 0x4000, 20)
LOSSLESS = b"RIFF\0\0\0\0WEBPVP8L" + b"\0" * 4 + b"\x2f" + struct.pack("<I", 29 | 19 << 14)
WITH_ALPHA = b"RIFF\0\0\0\0WEBPVP8X" + b"\0" * 8 + (29).to_bytes(3, "little") + (19).to_bytes(3, "little")


@pytest.mark.parametrize(
    ("data", "media_type"),
    [
        (png(30, 20), "image/png"),
        (JPEG, "image/jpeg"),
        (GIF, "image/gif"),
        (LOSSY, "image/webp"),
        (LOSSLESS, "image/webp"),
        (WITH_ALPHA, "image/webp"),
    ],
    ids=["png", "jpeg", "gif", "webp", "webp lossless", "webp with alpha"],
)
def test_a_picture_tells_its_size(data, media_type):
    assert read_header(data) == ImageHeader(media_type, 30, 20)
    for length in range(10):
        assert read_header(data[:length]) is None


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"hello",
        b"<svg/>",
        b"\xff\xd8\xff\xe0\0\x04ab no segment",
        png(0, 0),
        b"RIFF1234WEBPVP9 " + b"\0" * 30,
    ],
)
def test_what_is_no_picture_is_none(data):
    assert read_header(data) is None
