from torch import Tensor

from .nats_per_unit import NatsPerUnit


class Perplexity(NatsPerUnit):
    """Among how many equally likely units the model would be as uncertain: the exponential of the nats for each.

    Perplexities compare where their units are the same: those of tokens only for one tokenizer, those of words for all.
    """

    def compute(self) -> Tensor:
        return super().compute().exp()
