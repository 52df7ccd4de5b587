from torch import Tensor

from .nats_per_unit import NatsPerUnit


class Perplexity(NatsPerUnit):
    """Perplexity: the exponential of the nats per unit.

    Only perplexities with the same units compare: per token, of models with the same tokenizer; per word, of all models.
    """

    def compute(self) -> Tensor:
        return super().compute().exp()
