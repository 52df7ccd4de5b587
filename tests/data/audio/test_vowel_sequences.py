import pytest
import torch

from leyden.data.audio.vowel_sequences import VowelSequences, join
from leyden.data.audio.vowels import WORDS, synthesise


@pytest.fixture(scope="module")
def train():
    data = VowelSequences(tokens="words")
    return data, data.load("train")


def test_two_to_five_words_in_every_sample(train):
    data, samples = train
    assert len(samples) == 600
    assert data.provided()["num_tokens"] == 1 + len(WORDS)
    batch = samples.__getitems__([0, 1, 2])
    assert batch.inputs.dtype is torch.int16
    counts = {len(tokens) for tokens in samples.targets.tokens}
    assert counts == {2, 3, 4, 5}
    # a vowel lasts 0.15 to 0.5 s, a pause 0.05 to 0.3 s
    for waveform, tokens in zip(samples.inputs, samples.targets.tokens, strict=True):
        count = len(tokens)
        assert 0.15 * count + 0.05 * (count + 1) <= len(waveform) / 8000 <= 0.5 * count + 0.3 * (count + 1)


def test_always_the_same_and_test_samples_are_others(train):
    _, samples = train
    data = VowelSequences(tokens="words", seed=5)
    again, test = data.load("train"), data.load("test")
    assert all(torch.equal(a, b) for a, b in zip(samples.inputs, again.inputs, strict=True))
    assert len(test) == 180


def test_a_sample_is_of_one_voice_and_its_text_names_its_vowels():
    vowels = synthesise(voices=2, takes=1, seed=0)
    # Each vowel has its own level, above 0 for the first voice and below 0 for the second.
    levels = [(1 if sample < 10 else -1) * 3000 * (sample % 10 + 1) for sample in range(20)]
    vowels.inputs = [torch.full((800,), level, dtype=torch.int16) for level in levels]
    waveforms, texts = join(vowels, voices=2, sequences=5, seed=0)
    for sample, (waveform, text) in enumerate(zip(waveforms, texts, strict=True)):
        heard = (waveform.unfold(0, 200, 200).double().mean(dim=1) / 3000).round().long()
        heard, windows = heard.unique_consecutive(return_counts=True)
        heard = heard[(windows >= 2) & (heard != 0)]
        assert (heard > 0).all() if sample < 5 else (heard < 0).all()
        assert [WORDS[level - 1] for level in heard.abs().tolist()] == text.split()
