import gzip

import pytest
import torch

from leyden.data import DataError
from leyden.data.text import TextFiles, WordTokenizer
from leyden.data.text.word_vectors import word_vectors
from leyden.io import installed_version

GLOVE = "the 0.5 -1.25\ncat 2 3e-1\n. . . 7 8\n\u00e9t\u00e9 1 1\n"
WORDS = ["[PAD]", "[UNK]", "cat", "hat", "the", ". . .", "\u00e9t\u00e9"]


@pytest.fixture
def glove(tmp_path):
    path = tmp_path / "glove.txt"
    path.write_text(GLOVE, encoding="utf-8")
    return path


def test_words_that_the_file_has_and_those_it_has_not(glove, log):
    vectors = word_vectors(glove, WORDS)
    assert vectors[[2, 4, 5, 6]].tolist() == [[2, pytest.approx(0.3)], [0.5, -1.25], [7, 8], [1, 1]]
    assert vectors[[0, 1, 3]].isnan().all()
    assert f"4 of 7 tokens, from {glove}" in log.text


def test_sizes_in_the_first_line_spaces_at_the_ends_and_compression(glove, tmp_path):
    path = tmp_path / "crawl.vec.gz"
    path.write_bytes(gzip.compress(("4 2\n" + GLOVE.replace("\n", " \r\n")).encode()))
    assert torch.equal(word_vectors(path, WORDS).nan_to_num(), word_vectors(glove, WORDS).nan_to_num())


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("the 1 2\ncat 1\n", r"glove.txt:2: expected 2 values for 'cat', got 1"),
        ("the 1 2\ncat 1 x\n", r"glove.txt:2: the vector of 'cat' has a value that is not a number.*'x'"),
        ("the 1 2\n\n", r"glove.txt:2: expected a word and its values"),
        ("dog 1 2\n", r"has no vector for any of 7 tokens"),
        ("", r"has no vector for any of 7 tokens"),
    ],
)
def test_files_of_another_format(glove, content, message):
    glove.write_text(content)
    with pytest.raises(DataError, match=message):
        word_vectors(glove, WORDS)


def test_no_file(tmp_path):
    with pytest.raises(DataError, match=r"cannot read .*none.txt, data.vectors: No such file"):
        word_vectors(tmp_path / "none.txt", WORDS)


@pytest.mark.skipif(not installed_version("torchtext"), reason="make test STACK=torchtext has it")
def test_the_same_as_torchtext_reads(glove, tmp_path):
    import torchtext

    torchtext.disable_torchtext_deprecation_warning()
    from torchtext.vocab import Vectors

    # It rejects fewer than three values per line, and words with spaces.
    glove.write_text(GLOVE.replace(". . .", "...").replace("\n", " 4\n"), encoding="utf-8")
    words = ["cat", "the", "..."]
    theirs = Vectors(str(glove), cache=str(tmp_path)).get_vecs_by_tokens(words)
    assert torch.equal(word_vectors(glove, words), theirs)


def test_a_data_module_publishes_those_of_its_vocabulary(glove, tmp_path):
    table = tmp_path / "train.csv"
    table.write_text("label,text\n" + "cat,the cat\ndog,the dog\n" * 10)
    data = TextFiles(str(table), tokenizer=WordTokenizer(), vectors=str(glove))
    assert data.provided()["word_vectors"] is None
    data.setup("fit")
    vectors = data.provided()["word_vectors"]
    assert vectors.shape == (data.vocab_size, 2)
    assert vectors[data.encode(["the"])[0]].tolist() == [[0.5, -1.25]]
    assert vectors[data.encode(["dog"])[0]].isnan().all()
    data.save(tmp_path)
    trained = TextFiles(str(table), tokenizer=WordTokenizer(), vectors="no longer there")
    trained.restore(tmp_path)
    trained.setup("test")  # the vectors are in the checkpoint
