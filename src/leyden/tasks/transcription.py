import logging
from collections.abc import Callable, Sequence
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import ctc_loss
from torchmetrics import SumMetric

from ..errors import UserError
from ..metrics.error_rates import CharacterErrors, WordErrors
from ..metrics.mean import Mean
from .decoding.alignments import AlignedTokens, Alignments
from .decoding.greedy_decoder import greedy_decoder
from .task import EvaluationOutput, EvaluationStage, Task

log = logging.getLogger(__name__)


class Transcription(Task):
    """Speech recognition with connectionist temporal classification (CTC): word and character error rates.

    A sample with fewer frames than its transcript needs has no loss, but counts in the error rates.

    Source: Graves et al., Connectionist Temporal Classification, 2006, https://doi.org/10.1145/1143844.1143891.

    Args:
        network: maps waveforms (batch, time) and lengths (batch,) to log-probabilities (batch, frame, token) and the
            number of valid frames (batch,).
        alphabet: tokens, in the order of their indices; the first is the blank.
        separator: text between two tokens.
        sample_rate: of the waveforms, in Hz.
        decoder: maps log-probabilities and numbers of valid frames to the tokens of each sample.
        too_short: `raise` an error after the first epoch with training samples that have too few frames, or `warn`.
        **task: arguments of `Task`.
    """

    monitor, mode = "val/wer", "min"

    def __init__(
        self,
        network: nn.Module,
        alphabet: Sequence[str],
        separator: str,
        sample_rate: int,
        decoder: Callable[[Tensor, Tensor], list[list[int]]] = greedy_decoder,
        too_short: Literal["raise", "warn"] = "raise",
        **task: Any,
    ) -> None:
        if too_short not in ("raise", "warn"):
            raise ValueError(f"too_short is {too_short!r}; it must be 'raise' or 'warn'")
        super().__init__(network=network, **task)
        self.alphabet, self.separator, self.sample_rate = alphabet, separator, sample_rate
        self.decoder, self.too_short = decoder, too_short
        self.num_too_short = SumMetric()
        self.add_metrics(loss=Mean(), wer=WordErrors(), cer=CharacterErrors())

    def training_step(self, batch: Any, batch_idx: int) -> Tensor:
        log_probs, frames = self(batch.inputs, batch.lengths)
        losses, is_too_short = self._losses(log_probs, frames, batch.targets)
        self.num_too_short.update(is_too_short.float())
        loss = losses.mean()
        self.log_training(loss=loss)
        return loss

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        count = self.num_too_short.compute() if self.num_too_short.update_called else 0
        checkpoint["num_too_short"] = int(count)  # in this epoch, over all ranks

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        if self.global_rank == 0:
            self.num_too_short.update(checkpoint.get("num_too_short", 0))

    def on_train_epoch_end(self) -> None:
        count = int(self.num_too_short.compute())
        self.num_too_short.reset()
        if count:
            message = (
                f"{count} samples of this epoch had fewer frames than their transcripts need, and no loss: lower "
                "model.network.subsampling, or set data.tokens=words"
            )
            if self.too_short == "raise":
                raise UserError(f"{message}; model.too_short=warn ignores them")
            log.warning(message)

    def evaluate(self, batch: Any, stage: EvaluationStage) -> EvaluationOutput:
        log_probs, frames = self(batch.inputs, batch.lengths)
        losses, is_too_short = self._losses(log_probs, frames, batch.targets)
        alignments = self._decode(batch, log_probs, frames)
        predictions = [self._text(tokens) for tokens in alignments.tokens]
        references = [self._text(batch.targets.sample(index).tolist()) for index in range(len(predictions))]
        self.measure(stage, "loss", losses, (~is_too_short).float())
        self.measure(stage, "wer", predictions, references)
        self.measure(stage, "cer", predictions, references)
        return EvaluationOutput(alignments, losses.masked_fill(is_too_short, float("inf")))

    def predict_step(self, batch: Any, batch_idx: int) -> list[AlignedTokens]:
        """Decoded tokens with their times, one `AlignedTokens` per sample."""
        return list(self._decode(batch, *self(batch.inputs, batch.lengths)))

    def _decode(self, batch: Any, log_probs: Tensor, frames: Tensor) -> Alignments:
        tokens = self.decoder(log_probs, frames)
        return Alignments(log_probs, frames, tokens, batch.lengths / self.sample_rate)

    def _text(self, tokens: list[int]) -> str:
        return self.separator.join(self.alphabet[token] for token in tokens)

    def _losses(self, log_probs: Tensor, frames: Tensor, targets: Any) -> tuple[Tensor, Tensor]:
        """Loss per token of each sample (batch,), and whether it has too few frames (batch,)."""
        tokens, lengths = targets
        losses = ctc_loss(
            log_probs.transpose(0, 1), tokens, frames, lengths, blank=0, reduction="none", zero_infinity=True
        )
        # CTC needs a blank between two equal tokens.
        is_repeated = tokens[:, 1:] == tokens[:, :-1]
        is_inside = torch.arange(tokens.shape[1], device=tokens.device)[1:] < lengths.unsqueeze(1)
        is_too_short = lengths + (is_repeated & is_inside).sum(dim=1) > frames
        return losses / lengths.clamp(min=1), is_too_short
