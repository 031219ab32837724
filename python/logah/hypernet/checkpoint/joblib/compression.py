"""The compressions of joblib."""

from __future__ import annotations

import bz2
import io
import lzma
import zlib
from collections.abc import Callable
from typing import BinaryIO, Protocol

from logah.hypernet.checkpoint.joblib import refusal
from logah.hypernet.checkpoint.joblib.refusal import JoblibError, refuse

#: Bytes; the highest preset of xz needs about 65 MiB.
LZMA_MEMORY = 128 << 20
PIECE_BYTES = 1 << 20


class Decompressor(Protocol):
    """What bz2's and lzma's have in common."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    def decompress(self, data: bytes, max_length: int) -> bytes: ...


class _Zlib:
    """zlib's decompressor with the interface of bz2's and lzma's."""

    def __init__(self, window_bits: int) -> None:
        self._stream = zlib.decompressobj(window_bits)

    @property
    def eof(self) -> bool:
        return self._stream.eof

    @property
    def needs_input(self) -> bool:
        return not self._stream.unconsumed_tail

    def decompress(self, data: bytes, max_length: int) -> bytes:
        return self._stream.decompress(self._stream.unconsumed_tail + data, max_length)


def _lzma() -> Decompressor:
    return lzma.LZMADecompressor(memlimit=LZMA_MEMORY)


#: By the first bytes of a file; zlib's by its four levels of compression.
DECOMPRESSORS: dict[bytes, Callable[[], Decompressor]] = {
    **{bytes([0x78, level]): lambda: _Zlib(zlib.MAX_WBITS) for level in (0x01, 0x5E, 0x9C, 0xDA)},
    b"\x1f\x8b": lambda: _Zlib(zlib.MAX_WBITS | 16),
    b"BZh": bz2.BZ2Decompressor,
    b"\xfd7zXZ\x00": _lzma,
    b"\x5d\x00": _lzma,
}


def decompressed(file: BinaryIO, decompressor: Decompressor) -> io.BytesIO:
    """The whole content, in memory; no size that the file declares is believed. Raises JoblibError."""
    content = io.BytesIO()
    while not decompressor.eof:
        data = file.read(PIECE_BYTES) if decompressor.needs_input else b""
        try:
            piece = decompressor.decompress(data, PIECE_BYTES)
        except (zlib.error, lzma.LZMAError, OSError, EOFError, ValueError) as error:
            raise JoblibError(f"the compressed content is damaged ({error})") from error
        if not data and not piece and not decompressor.eof:
            refuse("the compressed content ends early")
        if content.tell() + len(piece) > refusal.MAX_BYTES:
            refuse(f"decompresses to more than the {refusal.MAX_BYTES} bytes that are allowed")
        content.write(piece)
    content.seek(0)
    return content
