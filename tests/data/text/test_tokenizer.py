"""Requirements on all implementations of `Tokenizer`, which are found in the package, so that new ones are tested too."""

import subprocess
import sys
from functools import partial
from inspect import signature
from typing import get_args

import pytest
import torch
from torch.nn.utils.rnn import pad_sequence

import leyden.data.text
from leyden.data import DataError
from leyden.data.text import (
    SubwordTokenizer,
    Tokenizer,
    TorchtextTokenizer,
    WordTokenizer,
)
from leyden.io import installed_version

IMPLEMENTATIONS = [
    value
    for name, value in sorted(vars(leyden.data.text).items())
    if isinstance(value, type) and name.endswith("Tokenizer") and value is not Tokenizer
    if not hasattr(value, "token_bytes")  # tested in test_lossless_tokenizers.py
]
KINDS = [
    pytest.param(partial(one, **chosen), id=" ".join([one.__name__, *chosen.values()]))
    for one in IMPLEMENTATIONS
    for chosen in [
        {"kind": kind} for kind in get_args(getattr(signature(one).parameters.get("kind"), "annotation", None))
    ]
    or [{}]
]
TEXTS = ["the cat sat", "the dog sat", "the cat, the hat"]
torchtext_loads = pytest.mark.skipif(
    not installed_version("torchtext"), reason="torchtext loads in its own environment only: make test STACK=torchtext"
)


@pytest.fixture(params=KINDS)
def make(request):
    if request.param.func is TorchtextTokenizer and not installed_version("torchtext"):
        pytest.skip("torchtext loads in its own environment only: make test STACK=torchtext")
    return request.param


@pytest.fixture
def trained(make):
    return fitted(make())


def fitted(tokenizer, texts=TEXTS):
    tokenizer.train(iter(texts))
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
    assert first != second


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
    for _ in range(5):
        assert fitted(make()).encode(TEXTS) == trained.encode(TEXTS)


def test_saved_and_loaded_is_the_same(trained, make, tmp_path):
    trained.save(tmp_path)
    loaded = make()
    loaded.load(tmp_path)
    assert loaded.vocab_size == trained.vocab_size
    assert loaded.encode([*TEXTS, "new"]) == trained.encode([*TEXTS, "new"])


def test_nothing_to_load(make, tmp_path):
    with pytest.raises(DataError, match="there is no"):
        make().load(tmp_path)


def test_the_vocabulary_is_in_the_order_of_the_ids(trained):
    assert len(trained.vocabulary) == len(set(trained.vocabulary)) == trained.vocab_size
    (tokens,) = trained.encode(["the"])
    assert "".join(trained.vocabulary[token] for token in tokens).strip("\u2581") == "the"


def test_begin_and_end_are_optional(make, tmp_path):
    plain, bounded = fitted(make()), fitted(make(begin=True, end=True))
    begin, end = (bounded.vocabulary.index(token) for token in ("[BOS]", "[EOS]"))
    assert bounded.vocab_size == plain.vocab_size + 2
    for bare, tokens in zip(plain.encode([*TEXTS, ""]), bounded.encode([*TEXTS, ""]), strict=True):
        words = [plain.vocabulary[token] for token in bare]
        assert [bounded.vocabulary[token] for token in tokens] == ["[BOS]", *words, "[EOS]"]
    assert bounded.decode(bounded.encode(["the cat sat"])[0]) == "the cat sat"
    assert fitted(make(end=True)).encode(["the"])[0][0] != begin
    bounded.save(tmp_path)
    loaded = make()
    loaded.load(tmp_path)
    assert loaded.encode(["the"])[0][0] == begin
    assert loaded.encode(["the"])[0][-1] == end


def test_long_texts_lose_their_last_words_but_not_their_end(make):
    plain, bounded = fitted(make()), fitted(make(begin=True, end=True))
    (whole,), (cut,) = plain.encode(["the cat, the hat"]), plain.encode(["the cat, the hat"], 2)
    assert cut == whole[:2]
    (whole,), (cut,) = bounded.encode(["the cat, the hat"]), bounded.encode(["the cat, the hat"], 4)
    assert cut == [*whole[:3], whole[-1]]
    assert plain.encode(TEXTS, 100) == plain.encode(TEXTS)
    with pytest.raises(DataError, match="max_tokens=2 leaves no room"):
        bounded.encode(TEXTS, 2)


def test_specials_are_kept_whole_as_they_are_written(make, tmp_path):
    tokenizer = fitted(make(specials=["<URL>"]))
    assert tokenizer.vocab_size == fitted(make()).vocab_size + 1
    (tokens,), (same,) = tokenizer.encode(["see <URL> the"]), tokenizer.encode(["<URL>"])
    special = tokenizer.vocabulary.index("<URL>")
    assert tokens.count(special) == 1
    assert same[-1] == special
    assert tokenizer.unknown not in same
    tokenizer.save(tmp_path)
    loaded = make()
    loaded.load(tmp_path)
    assert loaded.encode(["see <URL> the"]) == [tokens]


def test_a_text_that_names_a_fixed_token_does_not_hold_it(make):
    tokenizer = fitted(make(begin=True), [*TEXTS, "[PAD] [BOS]"])
    (tokens,) = tokenizer.encode(["[PAD] [BOS] the"])
    assert tokenizer.padding not in tokens
    assert tokens.count(tokenizer.vocabulary.index("[BOS]")) == 1


def test_the_vocabulary_keeps_to_its_limit(make):
    assert fitted(make(max_vocab_size=18)).vocab_size <= 18
    with pytest.raises(ValueError, match="max_vocab_size is 4"):
        make(max_vocab_size=4, begin=True, end=True)


@pytest.mark.parametrize("kind", ["bpe", "wordpiece", "unigram"])
def test_new_words_are_spelt_out_of_known_parts(kind):
    tokenizer = fitted(SubwordTokenizer(kind), ["lower newer wider", "low new wide"])
    (tokens,) = tokenizer.encode(["LOWEREWID"])
    assert tokenizer.unknown not in tokens
    assert tokenizer.decode(tokens) == "lowerewid"
    assert len(tokens) < len("lowerewid")


def test_upper_case_is_optional():
    tokenizer = fitted(SubwordTokenizer(lowercase=False), ["The the"])
    assert tokenizer.decode(tokenizer.encode([" The\n the "])[0]) == "The the"


def test_a_likelihood_knows_no_frequency():
    with pytest.raises(ValueError, match="min_frequency is 2; kind=unigram does not use it"):
        SubwordTokenizer("unigram", min_frequency=2)


@torchtext_loads
def test_torchtext_leaves_rare_words_out():
    tokenizer = fitted(TorchtextTokenizer(min_frequency=2))
    assert tokenizer.vocabulary == ["[PAD]", "[UNK]", "the", "cat", "sat"]


@torchtext_loads
def test_batches_are_padded_as_torchtext_pads_them():
    from torchtext.transforms import PadTransform

    tokenizer = fitted(TorchtextTokenizer())
    samples = [torch.tensor(tokens) for tokens in tokenizer.encode(TEXTS)]
    longest = max(map(len, samples))
    padded = torch.stack([PadTransform(longest, tokenizer.padding)(sample) for sample in samples])
    assert torch.equal(pad_sequence(samples, batch_first=True, padding_value=tokenizer.padding), padded)


@pytest.mark.skipif(bool(installed_version("torchtext")), reason="torchtext is there")
def test_torchtext_in_another_environment():
    with pytest.raises(DataError, match="text_stack=torchtext"):
        TorchtextTokenizer()


@pytest.mark.skipif(bool(installed_version("torchtext")), reason="torchtext is there")
@pytest.mark.parametrize("verb", ["check", "train"])
def test_torchtext_in_another_environment_is_refused_before_torch_is_imported(verb):
    package = leyden.__name__
    tokenizer = f"data.tokenizer._target_={package}.data.text.TorchtextTokenizer"
    start = f"import sys; from {package}.cli.main import main; code = main({[verb, 'experiment=text/stdlib', tokenizer]!r}); "
    end = "sys.exit(99 if 'torch' in sys.modules else code)"
    done = subprocess.run([sys.executable, "-c", start + end], capture_output=True, text=True)
    assert done.returncode == 2, done.stderr
    assert "text_stack=torchtext" in done.stderr
    assert "Traceback" not in done.stderr


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
