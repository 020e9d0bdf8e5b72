"""Detects the type of a file from its bytes, not from its name or declared type."""

from dataclasses import dataclass
from pathlib import PurePosixPath

from agents.protocol.media import format_size
from chat import conf
from chat.errors import file_is_empty, file_is_unknown, file_too_large
from chat.states import FileKind
from stagent.lib import image_header
from stagent.lib.text import to_storable, with_suffix

LONGEST_NAME = 200
LONGEST_ENDING = 20
PDF, TEXT = "application/pdf", "text/plain"
SUPPORTED = "This file type is not supported. Send an image (PNG, JPEG, GIF, WebP), UTF-8 text or a PDF."


@dataclass(frozen=True)
class DetectedType:
    """The type of a file. Any text is text/plain, so browsers never render it as a page."""

    kind: FileKind
    media_type: str
    width: int | None = None
    height: int | None = None


def detect(data: bytes) -> DetectedType:
    """Return the type of a file. Raises `Problem` if it is empty, unsupported or too large."""
    if not data:
        raise file_is_empty()
    found = _image(data) or _pdf(data) or _text(data)
    if found is None:
        raise file_is_unknown(SUPPORTED)
    limit = conf.MAX_FILE_BYTES[found.kind]
    if len(data) > limit:
        allowed, size = format_size(limit), format_size(len(data))
        raise file_too_large(f"A file of this type can have at most {allowed}; this one has {size}.")
    return found


def name_of(name: str) -> str:
    """Return a name without folders and unprintable characters, shortened before its extension."""
    last = name.replace("\\", "/").rpartition("/")[2]
    clean: str = to_storable("".join(sign for sign in last if sign.isprintable())).strip()
    if len(clean) <= LONGEST_NAME:
        return clean or "file"
    ending = PurePosixPath(clean).suffix[:LONGEST_ENDING]
    return with_suffix(clean.removesuffix(ending), ending, LONGEST_NAME)


def _image(data: bytes) -> DetectedType | None:
    image = image_header.read_header(data)
    if image is None:
        return None
    if max(image.width, image.height) > conf.MAX_PICTURE_PIXELS:
        most, its = f"{conf.MAX_PICTURE_PIXELS:,} pixels", f"{image.width:,} × {image.height:,}"
        raise file_too_large(f"An image can be at most {most} wide and high; this one is {its}.")
    return DetectedType(FileKind.IMAGE, image.media_type, image.width, image.height)


def _pdf(data: bytes) -> DetectedType | None:
    return DetectedType(FileKind.PDF, PDF) if data.startswith(b"%PDF-") else None


def _text(data: bytes) -> DetectedType | None:
    if b"\0" in data:
        return None
    try:
        data.decode()
    except UnicodeDecodeError:
        return None
    return DetectedType(FileKind.TEXT, TEXT)
