from pathlib import Path

from ..core.error import DataError


def utf8_text(path: Path) -> str:
    """Text of a UTF-8 file, such as an annotation, without the byte order mark.

    Raises:
        DataError: the file cannot be read or decoded.
    """
    try:
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path} is not UTF-8: byte {error.start} is 0x{error.object[error.start]:02x}; convert the file to UTF-8"
        ) from None
    except OSError as error:
        raise DataError(f"cannot read {path.absolute()}: {error.strerror}") from None


def well_formed(text: str) -> str:
    """Replace lone surrogates by U+FFFD.

    JSON and YAML may contain them, where a text was truncated within an emoji; tokenizers and files cannot hold them.
    """
    if text.isascii():
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
