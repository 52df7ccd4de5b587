from types import SimpleNamespace
from typing import NamedTuple

import pytest
import torch
from matplotlib.figure import Figure
from torch import Tensor

from leyden.data import DataError
from leyden.data.audio import VowelSequences
from leyden.data.audio.alphabet import (
    BLANK,
    UNKNOWN,
    encode_transcripts,
    learn_alphabet,
    split_tokens,
)
from leyden.data.audio.transcripts import TranscriptSamples


@pytest.fixture
def data():
    return VowelSequences()


class Said(NamedTuple):
    """A prediction: tokens with their starts and ends in seconds."""

    tokens: Tensor
    starts: Tensor
    ends: Tensor


def prediction(tokens, bounds):
    bounds = torch.tensor(bounds).reshape(-1, 2)
    return Said(torch.tensor(tokens, dtype=torch.int64), bounds[:, 0], bounds[:, 1])


def test_tokens_of_a_text():
    assert split_tokens("  go \t on\r\n", "characters") == ["g", "o", " ", "o", "n"]
    assert split_tokens("  go \t on\r\n", "words") == ["go", "on"]
    assert split_tokens("", "words") == []


def test_the_alphabet_is_sorted_and_begins_with_the_blank():
    assert learn_alphabet(["go on", "no"], "characters", "raise") == [BLANK, " ", "g", "n", "o"]
    assert learn_alphabet(["go on", "no"], "words", "mark") == [BLANK, UNKNOWN, "go", "no", "on"]


def test_unseen_tokens_are_refused_or_marked_and_logged(caplog):
    with pytest.raises(DataError, match=r"1 characters of the test split are not in the training split: \['x'\]"):
        encode_transcripts(["no", "ox"], [BLANK, "n", "o"], "characters", "test")
    assert encode_transcripts(["no", "ox"], [BLANK, UNKNOWN, "n", "o"], "characters", "test") == [[2, 3], [3, 1]]
    assert "['x']; each counts as an error" in caplog.text
    with pytest.raises(DataError, match=BLANK):
        encode_transcripts([BLANK], [BLANK, "n"], "words", "test")


def test_a_batch_of_transcripts_is_padded():
    batch = TranscriptSamples([[1, 2, 3], [4], []])[[1, 0, 2]]
    assert batch.tokens.tolist() == [[4, 0, 0], [1, 2, 3], [0, 0, 0]]
    assert batch.lengths.tolist() == [1, 3, 0]
    assert batch.sample(0).tolist() == [4]


def test_words_of_characters_with_their_seconds(data):
    data.alphabet = [BLANK, " ", "a", "b"]
    tokens = [1, 2, 3, 1, 1, 3, 1]
    output = prediction(tokens, [[n / 10, n / 10 + 0.05] for n in range(7)])
    assert data.text(output.tokens) == " ab  b "
    assert data.records(None, 0, output) == [
        {
            "text": " ab  b ",
            "words": [
                {"word": "ab", "start": 0.1, "end": 0.25},
                {"word": "b", "start": 0.5, "end": 0.55},
            ],
        }
    ]


def test_words_that_are_tokens(data):
    data.tokens, data.alphabet = "words", [BLANK, "no", "yes"]
    output = prediction([2, 1, 1], [[0, 0.1], [0.2, 0.3], [0.4, 0.5]])
    assert data.text(output.tokens) == "yes no no"
    assert [word["word"] for word in data.words(output)] == ["yes", "no", "no"]
    described = data.describe_prediction(None, torch.tensor([2, 1]), output)
    assert described == {"true": "yes no", "predicted": "yes no no"}


def test_nothing_recognized(data):
    data.alphabet = [BLANK, "a"]
    assert data.records(None, 0, prediction([], [])) == [{"text": "", "words": []}]


def test_a_prediction_is_drawn_with_the_borders_of_its_words(data):
    data.tokens, data.alphabet = "words", [BLANK, "no", "yes"]
    axes = Figure().subplots()
    output = prediction([2, 1], [[0.1, 0.3], [0.5, 0.8]])
    data.draw_prediction(axes, torch.randn(8000), torch.tensor([2, 2]), output)
    assert axes.get_title() == "yes no\nnot yes yes"
    assert axes.title.get_color() == "red"
    borders = [path.vertices[0, 0] for lines in axes.collections for path in lines.get_paths()]
    assert borders == pytest.approx([0.1, 0.3, 0.5, 0.8])
    assert [text.get_text() for text in axes.texts] == ["yes", "no"]
    data.draw_prediction(axes, torch.randn(8000), torch.tensor([2, 1]), output)
    assert axes.get_title() == "yes no"


@pytest.mark.parametrize(
    ("argument", "message"), [({"tokens": "syllables"}, "tokens is 'syllables'"), ({"unseen": "drop"}, "unseen is")]
)
def test_arguments_out_of_range(argument, message):
    with pytest.raises(ValueError, match=message):
        VowelSequences(**argument)


def test_a_long_transcript_has_two_lines_above_its_figure(monkeypatch):
    data = VowelSequences()
    monkeypatch.setattr(data, "draw", lambda axes, inputs: None)
    monkeypatch.setattr(data, "words", lambda prediction: [])
    monkeypatch.setattr(data, "text", lambda tokens: "words that go on and on " * 20)
    axes = Figure().subplots()
    data.draw_prediction(axes, torch.zeros(1), torch.zeros(1), SimpleNamespace(tokens=torch.zeros(1)))
    lines = axes.get_title().split("\n")
    assert len(lines) == 2
    assert lines[1].endswith("...")
