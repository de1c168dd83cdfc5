"""Texts that must never be seen, and a search for them in every form that a program may have written them in."""

from __future__ import annotations

import base64
import gzip
import os
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, quote_plus

from backports.zstd import ZstdDecompressor, ZstdError

KEY = "CANARYkey+5/9d=2Q"
SECRET = "CANARYsec&7/c3=8Zw"
EXPOSED_KEY = "CANARYenv?1/f6=4K"
EXPOSED_SECRET = "CANARYpwd%0/b8=6M"
ALL = (KEY, SECRET, EXPOSED_KEY, EXPOSED_SECRET)


def forms(text: str) -> dict[str, bytes]:
    """``text`` as it is, backwards, and as encoders write it; of base64 the part that no neighbour changes."""
    raw = text.encode()
    found = {
        "plain": raw,
        "backwards": raw[::-1],
        "hex": raw.hex().encode(),
        "HEX": raw.hex().upper().encode(),
        "url": quote(text, safe="").encode(),
        "url form": quote_plus(text).encode(),
        "json": text.replace("/", "\\/").encode(),
        "utf-16": text.encode("utf-16-le"),
    }
    for shift in range(3):
        padded = b"\0" * shift + raw
        whole = padded[: len(padded) - len(padded) % 3]
        start = 4 if shift else 0
        found[f"base64 {shift}"] = base64.b64encode(whole)[start:]
        found[f"base64 url {shift}"] = base64.urlsafe_b64encode(whole)[start:]
    return found


FORMS = {(text, name): form for text in ALL for name, form in forms(text).items()}


def seen_in(content: bytes) -> list[str]:
    """Which canaries stand in ``content``, and how."""
    return sorted(f"{text[:9]}... {name}" for (text, name), form in FORMS.items() if form in content)


def everything_below(folder: Path) -> Iterator[tuple[Path, bytes]]:
    """Every regular file and its bytes; of compressed ones also what is inside."""
    for path in sorted(folder.rglob("*")):
        if path.is_symlink() or not path.is_file():
            continue
        content = path.read_bytes()
        yield path, os.fsencode(path.name) + b"\n" + content
        if path.suffix in {".zst", ".gz"}:
            yield path.with_name(f"{path.name} (unpacked)"), _unpacked(path, content)


def processes() -> Iterator[tuple[str, bytes]]:
    """Command line, environment and name of every process that lets itself be read."""
    for folder in Path("/proc").glob("[0-9]*"):
        for name in ("cmdline", "environ", "comm"):
            try:
                yield f"{folder.name}/{name}", (folder / name).read_bytes()
            except OSError:
                continue


def _unpacked(path: Path, content: bytes) -> bytes:
    """The content of a compressed file, as far as it goes: the last segment is still being written."""
    if path.suffix == ".gz":
        try:
            return gzip.decompress(content)
        except (EOFError, OSError):
            return b""
    unpacked = b""
    while content:
        decompressor = ZstdDecompressor()
        try:
            unpacked += decompressor.decompress(content)
        except ZstdError:
            break
        if not decompressor.eof:
            break
        content = decompressor.unused_data
    return unpacked
