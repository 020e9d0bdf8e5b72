"""What kind of file this is, by its bytes: its name and what a browser says of it decide nothing."""

from dataclasses import dataclass
from pathlib import PurePosixPath

from agents.protocol.media import amount
from chat import conf
from chat.errors import file_is_empty, file_is_unknown, file_too_large
from chat.states import FileKind
from stagent.lib import image_header
from stagent.lib.text import storable, with_ending

LONGEST_NAME = 200
LONGEST_ENDING = 20
PDF, TEXT = "application/pdf", "text/plain"
TAKEN = "Only pictures (PNG, JPEG, GIF, WebP), texts in UTF-8 and PDFs can be sent."


@dataclass(frozen=True)
class DetectedType:
    """What a file is. Text is plain text, whatever it is written in: nothing is ever shown as a page."""

    kind: FileKind
    media_type: str
    width: int | None = None
    height: int | None = None


def detect(data: bytes) -> DetectedType:
    """Return what a file is; raises a Problem where it is nothing that we take, or too large."""
    if not data:
        raise file_is_empty()
    found = _picture(data) or _pdf(data) or _text(data)
    if found is None:
        raise file_is_unknown(TAKEN)
    most = conf.MAX_FILE_BYTES[found.kind]
    if len(data) > most:
        raise file_too_large(f"A file of this kind has at most {amount(most)}; it has {amount(len(data))}.")
    return found


def name_of(name: str) -> str:
    """Return a name without folders and signs that show as nothing, its ending kept where it is cut."""
    last = name.replace("\\", "/").rpartition("/")[2]
    clean: str = storable("".join(sign for sign in last if sign.isprintable())).strip()
    if len(clean) <= LONGEST_NAME:
        return clean or "file"
    ending = PurePosixPath(clean).suffix[:LONGEST_ENDING]
    return with_ending(clean.removesuffix(ending), ending, LONGEST_NAME)


def _picture(data: bytes) -> DetectedType | None:
    picture = image_header.read_header(data)
    if picture is None:
        return None
    if max(picture.width, picture.height) > conf.MAX_PICTURE_PIXELS:
        most, its = f"{conf.MAX_PICTURE_PIXELS:,} pixels", f"{picture.width:,} × {picture.height:,}"
        raise file_too_large(f"A picture is at most {most} wide and high; this one is {its}.")
    return DetectedType(FileKind.IMAGE, picture.media_type, picture.width, picture.height)


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
