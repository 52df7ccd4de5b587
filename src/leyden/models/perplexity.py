from torch import Tensor
from torchmetrics import MeanMetric


class Perplexity(MeanMetric):
    """The exponential of the mean loss: among how many equally likely tokens the model would be as uncertain.

    Updated with losses in nats [...] and weights of the same shape, 0 for what does not count.
    """

    def compute(self) -> Tensor:
        return super().compute().exp()
