from pathlib import Path

from ..core.error import DataError


def utf8_text(path: Path) -> str:
    """A text file in UTF-8, such as an annotation, without a byte order mark.

    Raises:
        DataError: it cannot be read, or it is in another encoding.
    """
    try:
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path} is not UTF-8: byte {error.start} is 0x{error.object[error.start]:02x}; convert it"
        ) from None
    except OSError as error:
        raise DataError(f"cannot read {path.absolute()}: {error.strerror}") from None


def well_formed(text: str) -> str:
    """A text with U+FFFD for each half of a surrogate pair.

    JSON and YAML may hold them where a text was cut within an emoji; no tokenizer takes them and no file can.
    """
    if text.isascii():
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
