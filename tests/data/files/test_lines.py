import pytest

from leyden.data.files.lines import read_lines, read_text


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_a_mark_of_the_byte_order_defines_the_encoding(tmp_path, encoding):
    (tmp_path / "a.txt").write_bytes("h\xe9llo\r\n\r\nyou\n".encode(encoding))
    assert read_text(tmp_path / "a.txt", "UTF-8") == "h\xe9llo\r\n\r\nyou\n"
    assert read_lines(tmp_path / "a.txt", "utf-8") == [(1, "h\xe9llo"), (3, "you")]


def test_an_encoding_that_was_asked_for_is_taken(tmp_path):
    (tmp_path / "a.txt").write_bytes(b"\xff\xfe")
    assert read_text(tmp_path / "a.txt", "latin-1") == "\xff\xfe"
