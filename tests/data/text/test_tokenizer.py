"""What every implementation of `Tokenizer` must do; found in the package, so that a new one is tested at once."""

import pytest

import leyden.data.text
from leyden.data import DataError
from leyden.data.text import Tokenizer, WordTokenizer

IMPLEMENTATIONS = [
    value
    for name, value in sorted(vars(leyden.data.text).items())
    if isinstance(value, type) and name.endswith("Tokenizer") and value is not Tokenizer
    if not hasattr(value, "token_bytes")  # these are held to test_lossless_tokenizers.py
]
TEXTS = ["the cat sat", "the dog sat", "the cat, the hat"]


@pytest.fixture(params=IMPLEMENTATIONS)
def make(request):
    return request.param


@pytest.fixture
def trained(make):
    tokenizer = make(min_frequency=1)
    tokenizer.train(iter(TEXTS))
    return tokenizer


def test_untrained_has_no_vocabulary(make):
    assert make().vocab_size == 0


def test_every_id_is_below_the_vocabulary_size(trained):
    ids = {token for tokens in trained.encode(TEXTS) for token in tokens}
    assert max(ids) < trained.vocab_size
    assert not ids & {trained.padding, trained.unknown}


def test_equal_words_have_equal_ids(trained):
    first, second, _ = trained.encode(TEXTS)
    assert first[0] == second[0]
    assert first[1] != second[1]


def test_each_text_has_the_same_ids_in_any_company(trained):
    assert trained.encode(TEXTS) == [trained.encode([text])[0] for text in TEXTS]


def test_new_words_are_unknown(trained):
    assert trained.unknown in trained.encode(["the xylophone"])[0]


def test_text_without_tokens(trained):
    assert trained.encode(["", " \t"]) == [[], []]


def test_decoding_shows_the_words_without_padding(trained):
    (tokens,) = trained.encode(["the cat sat"])
    assert trained.decode([*tokens, trained.padding]) == "the cat sat"


def test_training_again_gives_the_same_ids(trained, make):
    again = make(min_frequency=1)
    again.train(iter(TEXTS))
    assert again.encode(TEXTS) == trained.encode(TEXTS)


def test_saved_and_loaded_is_the_same(trained, make, tmp_path):
    trained.save(tmp_path)
    loaded = make()
    loaded.load(tmp_path)
    assert loaded.vocab_size == trained.vocab_size
    assert loaded.encode([*TEXTS, "new"]) == trained.encode([*TEXTS, "new"])


def test_nothing_to_load(make, tmp_path):
    with pytest.raises(DataError, match="there is no"):
        make().load(tmp_path)


def test_words_and_punctuation_are_split_and_lower_cased():
    tokenizer = WordTokenizer(min_frequency=1)
    tokenizer.train(["What's Up?"])
    assert tokenizer.decode(tokenizer.encode(["what's UP?"])[0]) == "what ' s up ?"


def test_rare_words_and_a_full_vocabulary_are_left_out():
    rare = WordTokenizer(min_frequency=2)
    rare.train(TEXTS)
    assert rare.vocab_size == 2 + len(["the", "cat", "sat"])
    small = WordTokenizer(max_vocab_size=3, min_frequency=1)
    small.train(TEXTS)
    assert small.decode(small.encode(["the cat"])[0]) == "the [UNK]"


def test_refused_arguments():
    with pytest.raises(ValueError, match="max_vocab_size is 2"):
        WordTokenizer(max_vocab_size=2)
    with pytest.raises(ValueError, match="min_frequency is 0"):
        WordTokenizer(min_frequency=0)
