"""Files to hand over: small ones that are what they say they are."""

import struct
import zlib
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile

from chat.conversations import attachments
from chat.models import Attachment
from tests.support.builders import NOON
from tests.support.programs import Program

PDF = b"%PDF-1.4\n1 0 obj << /Type /Pages >> endobj\n2 0 obj << /Type /Page >> endobj\n%%EOF\n"


def png(width: int = 3, height: int = 2) -> bytes:
    """Draw a picture that browsers show."""
    rows = b"".join(b"\0" + b"\x34\x51\xc7" * width for _ in range(height))
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = (_chunk(b"IHDR", header), _chunk(b"IDAT", zlib.compress(rows)), _chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def kept(owner: User, name: str = "shot.png", data: bytes | None = None, now: datetime = NOON) -> Attachment:
    """Let somebody upload a file."""
    return attachments.store(owner, name, png() if data is None else data, now=now)


def upload(program: Program, name: str = "shot.png", data: bytes | None = None, **more: Any) -> Any:
    """Let a program upload a file."""
    file = SimpleUploadedFile(name, png() if data is None else data, "application/x-whatever")
    return program.upload("/attachments", {"file": file, **more})
