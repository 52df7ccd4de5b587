from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from ..metrics.bits_per_byte import BitsPerByte
from ..metrics.mean import Mean
from ..metrics.perplexity import Perplexity
from ..metrics.word_starts import WordStarts
from .decoding.generation import Generation
from .task import EvaluationOutput, EvaluationStage, Task

IGNORE_INDEX = -100  # target excluded from the loss: the default of torch's cross-entropy


class LanguageModeling(Task):
    """Language modelling: cross-entropy loss of the next token, perplexities and bits per byte; text generation.

    `loss` and `token_perplexity` are per token; `word_perplexity`, per word separated by white space, and `bits_per_byte`
    compare models with different tokenizers.

    Args:
        network: maps tokens (batch, token) to logits of the next token (batch, token, vocabulary); generation also needs
            `max_tokens`, `new_cache()` and an argument `cache`.
        token_bytes: bytes of each token; empty for the end-of-text token.
        generation: how continuations are sampled.
        num_samples: number of windows whose beginning is continued in each evaluation.
        prompt_tokens: length of these beginnings.
        **task: arguments of `Task`.
    """

    num_bytes: Tensor

    def __init__(
        self,
        network: nn.Module,
        token_bytes: Sequence[bytes],
        generation: Generation | None = None,
        num_samples: int = 4,
        prompt_tokens: int = 32,
        **task: Any,
    ) -> None:
        if num_samples < 0:
            raise ValueError(f"num_samples is {num_samples}; it must not be negative")
        if prompt_tokens < 1:
            raise ValueError(f"prompt_tokens is {prompt_tokens}; it must be at least 1")
        super().__init__(network=network, **task)
        self.token_bytes, self.generation = list(token_bytes), generation or Generation()
        self.num_samples, self.prompt_tokens = num_samples, prompt_tokens
        self.register_buffer("num_bytes", torch.tensor([len(token) for token in token_bytes]), persistent=False)
        self.add_metrics(loss=Mean(), bits_per_byte=BitsPerByte())
        self.add_metrics(token_perplexity=Perplexity(), word_perplexity=Perplexity())
        self.word_starts = WordStarts(self.token_bytes)
        self.beginnings: tuple[Tensor, Tensor] | None = None

    def losses(self, batch: Any) -> Tensor:
        """Loss of each token in nats (batch, token), 0 for `IGNORE_INDEX`."""
        logits = self(batch.inputs)
        losses = cross_entropy(logits.float().flatten(0, 1), batch.targets.flatten(), reduction="none")
        return losses.view_as(batch.targets)

    def training_step(self, batch: Any, batch_idx: int) -> Tensor:
        loss = self.losses(batch).mean()  # training windows have no padding
        self.log_training(loss=loss)
        return loss

    def evaluate(self, batch: Any, stage: EvaluationStage) -> EvaluationOutput:
        losses, counts = self.losses(batch), batch.targets != IGNORE_INDEX
        self.measure(stage, "loss", losses, counts.float())
        targets = batch.targets.clamp(min=0)
        self.measure(stage, "token_perplexity", losses, counts)
        self.measure(stage, "word_perplexity", losses, self.word_starts(targets, batch.inputs) * counts)
        self.measure(stage, "bits_per_byte", losses, self.num_bytes[targets] * counts)
        if self.beginnings is None and self.num_samples:
            samples = torch.linspace(0, len(losses) - 1, min(self.num_samples, len(losses))).round().long()
            lengths = counts[samples].sum(dim=1).clamp(max=self.prompt_tokens)
            self.beginnings = batch.inputs[samples], lengths
        return EvaluationOutput(losses, losses.sum(dim=1) / counts.sum(dim=1))

    def predict_step(self, batch: Any, batch_idx: int) -> list[Tensor]:
        """A continuation of each prompt (token,), up to the end-of-text token."""
        lengths = batch.lengths
        if lengths is None:  # whole windows
            lengths = torch.full_like(batch.inputs[:, 0], batch.inputs.shape[1])
        continuations = self.generation(self.network, batch.inputs, lengths, [0] * len(batch.inputs))
        return [self.until_end(continuation) for continuation in continuations]

    def texts(self) -> dict[str, str]:
        """Beginnings of evaluation windows with their continuations, by name.

        All ranks generate those of the first rank, since a sharded network runs on all of them.
        """
        if self.beginnings is None:
            return {}
        beginnings = self.trainer.strategy.broadcast([tensor.cpu() for tensor in self.beginnings])
        prompts, lengths = (tensor.to(self.device) for tensor in beginnings)
        continuations = self.generation(self.network, prompts, lengths, list(range(len(prompts))))
        samples = [
            f"--- prompt {index}\n{self.decode(prompt[:length])}\n--- continuation {index}\n"
            f"{self.decode(self.until_end(continuation))}\n"
            for index, (prompt, length, continuation) in enumerate(zip(prompts, lengths, continuations, strict=True))
        ]
        return {"samples": "\n".join(samples)}

    def until_end(self, tokens: Tensor) -> Tensor:
        ends = (self.num_bytes[tokens] == 0).nonzero()
        return tokens[: ends[0, 0]] if len(ends) else tokens

    def decode(self, tokens: Tensor) -> str:
        return b"".join(self.token_bytes[token] for token in tokens.tolist()).decode(errors="replace")

    def on_validation_epoch_start(self) -> None:
        self.beginnings = None

    def on_test_epoch_start(self) -> None:
        self.beginnings = None
