"""Requirements on all lossless tokenizers, which are found in the package, so that new ones are tested too."""

import pytest

import leyden.data.text
from leyden.data import DataError
from leyden.data.text import BytePairTokenizer, CharacterTokenizer
from leyden.data.text.byte_pair_tokenizer import BYTES

FOUND = vars(leyden.data.text)
NAMES = [name for name in FOUND if name.endswith("Tokenizer")]
IMPLEMENTATIONS = [FOUND[name] for name in NAMES if hasattr(FOUND[name], "token_bytes")]
# White space, characters of two to four bytes, a combining character, and the names of special tokens.
TEXTS = ["  the cat\n\tsat \r\n\n", "ein Kätzchen: 😸, 猫, e\u0301", "[PAD] the [UNK]\x00\x85", "the the the the"]


@pytest.fixture(params=IMPLEMENTATIONS)
def make(request):
    return request.param


@pytest.fixture
def trained(make):
    return fitted(make())


def fitted(tokenizer):
    tokenizer.train(iter(TEXTS))
    return tokenizer


def test_untrained_has_no_vocabulary(make):
    assert make().vocab_size == 0


@pytest.mark.parametrize("text", [*TEXTS, "", "\n", "tac \t😸 e猫"])
def test_nothing_of_a_text_is_lost(trained, text):
    (tokens,) = trained.encode([text])
    assert trained.decode(tokens) == trained.decode([*tokens, trained.padding]) == text
    assert trained.padding not in tokens


def test_the_bytes_of_the_tokens_are_those_of_the_text(trained):
    assert len(trained.token_bytes) == len(trained.vocabulary) == trained.vocab_size
    assert trained.token_bytes[trained.padding] == b""
    for text, tokens in zip(TEXTS, trained.encode(TEXTS), strict=True):
        assert b"".join(trained.token_bytes[token] for token in tokens) == text.encode()


def test_every_id_is_below_the_vocabulary_size(trained):
    assert max(token for tokens in trained.encode(TEXTS) for token in tokens) < trained.vocab_size


def test_each_text_has_the_same_ids_in_any_company(trained):
    assert trained.encode(TEXTS) == [trained.encode([text])[0] for text in TEXTS]


def test_training_again_gives_the_same_ids(trained, make):
    for _ in range(5):
        assert fitted(make()).encode(TEXTS) == trained.encode(TEXTS)


def test_saved_and_loaded_is_the_same(trained, make, tmp_path):
    trained.save(tmp_path)
    loaded = make()
    loaded.load(tmp_path)
    assert loaded.token_bytes == trained.token_bytes
    assert loaded.encode(TEXTS) == trained.encode(TEXTS)


def test_nothing_to_load(make, tmp_path):
    with pytest.raises(DataError, match="there is no"):
        make().load(tmp_path)


def test_long_texts_are_cut(trained):
    assert trained.encode(TEXTS, 3) == [tokens[:3] for tokens in trained.encode(TEXTS)]


def test_characters_by_code_point():
    tokenizer = CharacterTokenizer()
    tokenizer.train(["cab"])
    assert tokenizer.encode(["abcd"]) == [[2, 3, 4, tokenizer.unknown]]
    assert tokenizer.decode([2, tokenizer.unknown]) == "a\N{REPLACEMENT CHARACTER}"


def test_byte_pairs_know_texts_that_they_never_saw():
    tokenizer = BytePairTokenizer(max_vocab_size=257)
    tokenizer.train(["a"])
    assert tokenizer.vocab_size == 257
    (tokens,) = tokenizer.encode(["é猫"])
    assert [tokenizer.token_bytes[token] for token in tokens] == [b"\xc3", b"\xa9", b"\xe7", b"\x8c", b"\xab"]
    assert tokenizer.decode(tokens[:3]) == "é\N{REPLACEMENT CHARACTER}"


def test_frequent_pairs_become_tokens():
    tokenizer = BytePairTokenizer(max_vocab_size=259)
    tokenizer.train(["the then there"])
    assert tokenizer.token_bytes[257:] == [b"he", b"the"] or tokenizer.token_bytes[257:] == [b"th", b"the"]


def test_all_bytes_have_a_sign():
    assert sorted(BYTES.values()) == list(range(256))


def test_too_small_for_all_bytes():
    with pytest.raises(ValueError, match="max_vocab_size is 256"):
        BytePairTokenizer(max_vocab_size=256)
