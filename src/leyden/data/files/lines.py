import codecs
from io import StringIO
from pathlib import Path

from ..core.error import DataError

BYTE_ORDER_MARKS = {  # longer ones first: the mark of UTF-32 starts with that of UTF-16
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}


def read_text(path: Path, encoding: str) -> str:
    """Text of a file, without the byte order mark. If `encoding` is UTF-8, a mark of UTF-16 or UTF-32 overrides it.

    Raises:
        DataError: the file cannot be read or decoded.
    """
    try:
        content = path.read_bytes()
        if codecs.lookup(encoding).name == "utf-8":
            encoding = next((name for mark, name in BYTE_ORDER_MARKS.items() if content.startswith(mark)), encoding)
        return content.decode(encoding).removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path} is not {encoding}: byte {error.start} (0x{error.object[error.start]:02x}): {error.reason}. "
            "Set data.encoding to the encoding of the file, such as latin-1, cp1252 or utf-16"
        ) from None
    except LookupError:
        raise DataError(
            f"data.encoding={encoding!r} is unknown; common ones are utf-8, latin-1, cp1252, utf-16"
        ) from None
    except OSError as error:
        raise DataError(f"cannot read {path.absolute()}: {error.strerror}") from None


def read_lines(path: Path, encoding: str) -> list[tuple[int, str]]:
    """Non-empty lines of a text file with their line numbers, from 1, for any line endings.

    Raises:
        DataError: see `read_text`.
    """
    # str.splitlines would also split at \\x85, an ellipsis in Windows encodings that are read as latin-1.
    lines = StringIO(read_text(path, encoding), newline=None)
    return [(number, line.rstrip("\n")) for number, line in enumerate(lines, start=1) if line.strip()]
