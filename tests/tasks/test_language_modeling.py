import math
from functools import partial

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader
from trainers import trainer

from leyden.data import Batch
from leyden.tasks import LanguageModeling
from leyden.tasks.decoding import Generation

# Token 0 is the end of text, 1 has one byte, 2 is a character of three bytes, 3 two bytes of text.
TOKEN_BYTES = [b"", b"a", "猫".encode(), b"bc"]
INPUTS = torch.tensor([[0, 1, 2], [3, 1, 1], [2, 3, 0]])
TARGETS = torch.tensor([[1, 2, 3], [1, 1, 2], [3, -100, -100]])
PROBABILITIES = torch.tensor([0.1, 0.5, 0.25, 0.15])


class Constant(nn.Module):
    """The same probabilities for the next token in any context."""

    max_tokens = 8

    def __init__(self):
        super().__init__()
        self.logits = nn.Parameter(PROBABILITIES.log())

    def forward(self, tokens, cache=None):
        return self.logits.expand(*tokens.shape, 4)

    def new_cache(self):
        return None


class Counting(nn.Module):
    """The next token is the sum of the context modulo 50; records its inputs."""

    max_tokens = 8

    def __init__(self):
        super().__init__()
        self.shown = []

    def new_cache(self):
        return {"sum": 0, "length": 0}

    def forward(self, tokens, cache):
        assert cache["length"] + tokens.shape[1] <= self.max_tokens
        sums = cache["sum"] + tokens.cumsum(dim=1)
        cache |= {"sum": sums[:, -1:], "length": cache["length"] + tokens.shape[1]}
        self.shown.append(tokens.shape[1])
        return nn.functional.one_hot(sums % 50, 50).float() * 100


def model(network=None, **options):
    optimizer = partial(torch.optim.SGD, lr=0.1)
    return LanguageModeling(network=network or Constant(), token_bytes=TOKEN_BYTES, optimizer=optimizer, **options)


def loader(batch_size):
    batches = [
        Batch(INPUTS[start : start + batch_size], TARGETS[start : start + batch_size])
        for start in range(0, 3, batch_size)
    ]
    return DataLoader(batches, batch_size=None)


@pytest.mark.parametrize("batch_size", [1, 2, 3])
def test_metrics_by_hand_whatever_the_batches(tmp_path, batch_size):
    (results,) = trainer(tmp_path).test(model(), loader(batch_size), verbose=False)
    # Seven targets: three times "a", twice the character, twice "bc"; 3 + 6 + 4 = 13 bytes.
    bits = 3 * 1 + 2 * 2 + 2 * -math.log2(0.15)
    assert results["test/loss"] == pytest.approx(bits * math.log(2) / 7)
    assert results["test/token_perplexity"] == pytest.approx(2 ** (bits / 7))
    # Words start only after the end of text, here once.
    assert results["test/word_perplexity"] == pytest.approx(2**bits, rel=1e-4)
    assert results["test/bits_per_byte"] == pytest.approx(bits / 13)


def test_the_loss_of_training_is_the_mean_over_the_tokens():
    one = model()
    one.log = one.log_dict = one.log_training = lambda *_, **__: None
    expected = -(3 * math.log(0.5) + 2 * math.log(0.25) + math.log(0.15)) / 6
    assert one.training_step(Batch(INPUTS[:2], TARGETS[:2]), 0).item() == pytest.approx(expected)


def test_an_evaluation_returns_the_loss_of_each_token_and_sample():
    one = model()
    one.log = one.log_dict = one.log_training = lambda *_, **__: None
    evaluated = one.evaluate(Batch(INPUTS, TARGETS), "val")
    assert evaluated.predictions[2].tolist() == pytest.approx([-math.log(0.15), 0, 0])
    assert evaluated.per_sample_loss[2].item() == pytest.approx(-math.log(0.15))


def test_training_with_clipping(tmp_path):
    one = model()
    trainer(tmp_path, gradient_clip_val=1.0).fit(one, loader(2), loader(3))
    assert not torch.equal(one.network.logits, PROBABILITIES.log())


def test_samples_continue_the_beginnings_of_windows(tmp_path):
    one = model(generation=Generation(max_new_tokens=3, temperature=0), num_samples=2, prompt_tokens=2)
    trainer(tmp_path).test(one, loader(3), verbose=False)
    assert one.texts()["samples"] == (
        "--- prompt 0\na\n--- continuation 0\naaa\n\n--- prompt 1\n猫\n--- continuation 1\naaa\n"
    )


def test_samples_are_optional(tmp_path):
    one = model(num_samples=0)
    trainer(tmp_path).test(one, loader(3), verbose=False)
    assert one.texts() == {}


def test_predictions_end_where_the_text_does():
    one = model(generation=Generation(max_new_tokens=30, temperature=3.0))
    prompts = Batch(torch.tensor([[1, 0], [2, 3]]), torch.zeros(2), torch.tensor([1, 2]))
    predictions = one.predict_step(prompts, 0)
    # The same index gives the same draws, and this network ignores the prompt.
    assert predictions[0].tolist() == predictions[1].tolist()
    assert 0 < len(predictions[0]) < 30
    assert 0 not in predictions[0]


def test_continuations_by_hand_for_prompts_of_several_lengths():
    prompts, lengths = torch.tensor([[1, 0, 0], [1, 2, 3]]), torch.tensor([1, 3])
    tokens = Generation(max_new_tokens=4, temperature=0)(Counting(), prompts, lengths, [0, 1])
    assert tokens.tolist() == [[1, 2, 4, 8], [6, 12, 24, 48]]


def test_long_texts_go_on_from_the_last_half_of_the_window():
    network, prompts = Counting(), torch.ones(1, 3, dtype=torch.int64)
    (tokens,) = Generation(max_new_tokens=12, temperature=0)(network, prompts, torch.tensor([3]), [0])
    known = [1, 1, 1]
    for place in range(3, 15):
        first = 0 if place <= 8 else 4 if place <= 12 else 8
        known.append(sum(known[first:place]) % 50)
    assert tokens.tolist() == known[3:]
    assert network.shown == [3, 1, 1, 1, 1, 1, 5, 1, 1, 1, 5, 1]


def test_a_continuation_does_not_depend_on_what_else_is_generated():
    generation = Generation(max_new_tokens=20, temperature=2.0, seed=1)
    prompts, lengths = torch.tensor([[1] * 11, [2] * 3 + [0] * 8]), torch.tensor([11, 3])
    together = generation(Constant(), prompts, lengths, [0, 1])
    alone = generation(Constant(), prompts[1:, :3], lengths[1:], [1])
    assert torch.equal(together[1:], alone)
    assert not torch.equal(together[0], together[1])
    assert not torch.equal(Generation(20, 2.0, seed=2)(Constant(), prompts[1:, :3], lengths[1:], [1]), alone)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, PROBABILITIES.tolist()),
        ({"temperature": 0.5}, (PROBABILITIES**2 / (PROBABILITIES**2).sum()).tolist()),
        ({"temperature": 0}, [0, 1, 0, 0]),
        ({"top_k": 2}, [0, 2 / 3, 1 / 3, 0]),
        ({"top_k": 9}, PROBABILITIES.tolist()),
        ({"top_p": 0.5}, [0, 1, 0, 0]),
        ({"top_p": 0.76}, [0, 0.5 / 0.9, 0.25 / 0.9, 0.15 / 0.9]),
        ({"top_k": 2, "top_p": 0.6}, [0, 1, 0, 0]),
    ],
    ids=str,
)
def test_tokens_are_drawn_as_often_as_they_should(options, expected):
    draws = (torch.arange(10_000) + 0.5) / 10_000
    tokens = Generation(**options).choose(PROBABILITIES.log().expand(10_000, 4), draws)
    assert (tokens.bincount(minlength=4) / 10_000).tolist() == pytest.approx(expected, abs=2e-4)


def test_the_smallest_draw_never_gives_a_token_that_is_ruled_out():
    tokens = Generation(top_k=2, top_p=0.9).choose(PROBABILITIES.log().expand(2, 4), torch.tensor([0.0, 1 - 1e-7]))
    assert tokens.tolist() == [1, 2]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Generation(max_new_tokens=0), "max_new_tokens is 0"),
        (lambda: Generation(temperature=-1), "temperature is -1"),
        (lambda: Generation(top_k=0), "top_k is 0"),
        (lambda: Generation(top_p=0.0), "top_p is 0"),
        (lambda: model(num_samples=-1), "num_samples is -1"),
        (lambda: model(prompt_tokens=0), "prompt_tokens is 0"),
    ],
)
def test_refused_arguments(make, message):
    with pytest.raises(ValueError, match=message):
        make()
