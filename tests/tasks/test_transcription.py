import math
from functools import partial
from typing import NamedTuple

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import one_hot
from torch.utils.data import DataLoader
from trainers import trainer

from leyden.data import Batch
from leyden.errors import UserError
from leyden.tasks import Transcription

ALPHABET = ["<blank>", "yes", "no"]


class Transcripts(NamedTuple):
    """Targets in the format of a data module."""

    tokens: Tensor
    lengths: Tensor

    def sample(self, number):
        return self.tokens[number, : self.lengths[number]]


class Parrot(nn.Module):
    """Predicts in each frame the token in the waveform, with the log-odds `certainty`."""

    def __init__(self, certainty=50.0):
        super().__init__()
        self.certainty = nn.Parameter(torch.tensor(certainty))

    def forward(self, waveforms, lengths):
        return (one_hot(waveforms.long(), len(ALPHABET)) * self.certainty).log_softmax(dim=2), lengths


def batch(samples):
    """Samples of (token of each frame, tokens of the transcript)."""
    waveforms, transcripts = (
        [torch.tensor(part, dtype=torch.int64) for part in parts] for parts in zip(*samples, strict=True)
    )
    return Batch(padded(waveforms), Transcripts(padded(transcripts), sizes(transcripts)), sizes(waveforms))


def padded(samples):
    return nn.utils.rnn.pad_sequence(samples, batch_first=True)


def sizes(samples):
    return torch.tensor([len(sample) for sample in samples])


def model(certainty=50.0, **options):
    optimizer = partial(torch.optim.SGD, lr=0.1)
    return Transcription(
        network=Parrot(certainty), alphabet=ALPHABET, separator=" ", sample_rate=2, optimizer=optimizer, **options
    )


def loader(samples, batch_size=2):
    batches = [batch(samples[start : start + batch_size]) for start in range(0, len(samples), batch_size)]
    return DataLoader(batches, batch_size=None)


MISTAKES = [
    ([1, 1, 0, 1, 2], [1, 2]),  # "yes yes no", not "yes no": an insertion
    ([0, 0, 0], [2]),  # "", not "no": a deletion
    ([1, 0, 2], [1, 1]),  # "yes no", not "yes yes": a substitution
    ([2, 2, 0, 0], [2]),  # "no" twice in a sample without a blank is one "no"
]


@pytest.mark.parametrize("batch_size", [1, 2, 3, 4])
def test_error_rates_are_those_worked_out_by_hand_whatever_the_batches(tmp_path, batch_size):
    (results,) = trainer(tmp_path).test(model(), loader(MISTAKES, batch_size), verbose=False)
    assert results["test/wer"] == pytest.approx(3 / 6)
    # " yes" inserted: 4; "no" deleted: 2; "no" for "yes": 3; of 6 + 2 + 7 + 2 characters
    assert results["test/cer"] == pytest.approx(9 / 17)


def test_the_loss_is_that_of_all_alignments_for_each_token(tmp_path):
    # With three equal tokens, "yes" in two frames is "yes yes", "yes -" or "- yes"; "yes no" is one path of nine.
    samples = [([0, 0], [1]), ([0, 0], [1, 2])]
    (results,) = trainer(tmp_path).test(model(certainty=0.0), loader(samples), verbose=False)
    assert results["test/loss"] == pytest.approx((math.log(9 / 3) + math.log(9) / 2) / 2)


@pytest.mark.parametrize(
    ("samples", "wer"),
    [
        ([([0, 0], []), ([0], [])], 0.0),  # both empty
        ([([0, 0], []), ([1], [])], math.nan),  # insertions with an empty reference
        ([([0, 0], []), ([1], []), ([2], [2])], 1.0),  # one insertion, one word
    ],
)
def test_references_without_a_word(tmp_path, samples, wer):
    (results,) = trainer(tmp_path).test(model(), loader(samples), verbose=False)
    assert results["test/wer"] == pytest.approx(wer, nan_ok=True)


def test_samples_with_too_few_frames_have_no_loss_but_count_as_errors(tmp_path):
    samples = [([0, 0], [1]), ([0, 0], [1, 1])]  # a blank is needed between the two
    (results,) = trainer(tmp_path).test(model(certainty=0.0), loader(samples), verbose=False)
    assert results["test/loss"] == pytest.approx(math.log(9 / 3))
    assert results["test/wer"] == 1
    again = model(certainty=0.0)
    again.log = lambda *_, **__: None
    assert again.evaluate(batch(samples), "test").per_sample_loss.tolist() == [pytest.approx(math.log(3)), math.inf]


def test_training_refuses_samples_with_too_few_frames_or_logs_how_many(tmp_path, caplog):
    samples = [([0, 1], [1]), ([0, 0], [1, 1]), ([1, 2], [1, 2, 1]), ([1, 0, 1], [1, 1])]
    with pytest.raises(UserError, match=r"2 samples .*fewer frames.*subsampling"):
        trainer(tmp_path).fit(model(1.0), loader(samples), loader(samples))
    saying = model(1.0, too_short="warn")
    trainer(tmp_path).fit(saying, loader(samples), loader(samples))
    assert "2 samples" in caplog.text
    assert saying.network.certainty.isfinite()
    assert saying.network.certainty > 1


def test_predictions_know_their_seconds():
    first, silent, last = model().predict_step(batch([([0, 1, 1, 2], []), ([0, 0], []), ([1, 0, 1], [])]), 0)
    assert first.tokens.tolist() == [1, 2]
    assert first.starts.tolist() == [0.5, 1.5]
    assert first.ends.tolist() == [1.5, 2.0]
    assert [len(part) for part in silent] == [0, 0, 0]
    assert last.tokens.tolist() == [1, 1]
    assert last.starts.tolist() == [0.0, 1.0]


def test_another_decoder_is_used():
    always_no = model(decoder=lambda log_probs, frames: [[2]] * len(log_probs))
    (prediction,) = always_no.predict_step(batch([([1, 1, 2, 1], [])]), 0)
    assert prediction.tokens.tolist() == [2]


def test_an_unknown_choice_is_refused():
    with pytest.raises(ValueError, match="too_short is 'drop'"):
        model(too_short="drop")
