import codecs
from io import StringIO
from pathlib import Path

from ..core.error import DataError

MARKS = {  # the longer ones first: the mark of UTF-32 begins as that of UTF-16
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}


def read_text(path: Path, encoding: str) -> str:
    """A whole text file, without a byte order mark; one of UTF-16 or UTF-32 tells the encoding where it is UTF-8 else.

    Raises:
        DataError: there is no such file, or it is in another encoding.
    """
    try:
        content = path.read_bytes()
        if codecs.lookup(encoding).name == "utf-8":
            encoding = next((name for mark, name in MARKS.items() if content.startswith(mark)), encoding)
        return content.decode(encoding).removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path} is not {encoding}: byte {error.start} (0x{error.object[error.start]:02x}): {error.reason}. "
            "Set data.encoding to the file's own, such as latin-1, cp1252 or utf-16"
        ) from None
    except LookupError:
        raise DataError(f"data.encoding={encoding!r} is unknown; utf-8, latin-1, cp1252 or utf-16 is usual") from None
    except OSError as error:
        raise DataError(f"cannot read {path.absolute()}: {error.strerror}") from None


def read_lines(path: Path, encoding: str) -> list[tuple[int, str]]:
    """The lines of a text file that are not empty, with their numbers from 1, whatever their ends.

    Raises:
        DataError: see `read_text`.
    """
    # Not str.splitlines: that also splits at the \\x85 that latin-1 files from Windows hold for an ellipsis.
    lines = StringIO(read_text(path, encoding), newline=None)
    return [(number, line.rstrip("\n")) for number, line in enumerate(lines, start=1) if line.strip()]
