import pytest

from leyden.data import DataError
from leyden.data.files.user_text import utf8_text, well_formed
from leyden.data.text.table import Table


def test_half_of_an_emoji_is_replaced_and_all_else_stays():
    """As in JSON texts that were truncated to a number of UTF-16 units."""
    assert well_formed("cut \ud83d") == "cut \N{REPLACEMENT CHARACTER}"
    assert well_formed("\udc31\ud83d cut") == "\N{REPLACEMENT CHARACTER}" * 2 + " cut"
    for text in ("plain", "Größe", "🐱", "\u0000", "\ufeff"):
        assert well_formed(text) == text


def test_texts_and_labels_can_be_written(tmp_path):
    (tmp_path / "a.jsonl").write_text('{"text": "a \\ud83d\\udc31 \\ud83d", "label": "\\udc31"}\n')
    (sample,) = Table("text", "label", None, "utf-8").read(tmp_path / "a.jsonl")
    assert sample[:2] == ("a 🐱 \N{REPLACEMENT CHARACTER}", "\N{REPLACEMENT CHARACTER}")


def test_another_encoding_is_named(tmp_path):
    (tmp_path / "names.txt").write_text("größe", "latin-1")
    with pytest.raises(DataError, match=r"names\.txt is not UTF-8: byte 2 is 0xf6"):
        utf8_text(tmp_path / "names.txt")
    (tmp_path / "names.txt").write_text("größe", "utf-8-sig")
    assert utf8_text(tmp_path / "names.txt") == "größe"
    with pytest.raises(DataError, match="cannot read"):
        utf8_text(tmp_path)
