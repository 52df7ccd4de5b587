import torch.distributed
from torch import Tensor


def mean_over_ranks(value: Tensor) -> Tensor:
    """The mean of a number, without a gradient, over all ranks.

    A loss that is a weighted mean divides by it, and not by the weights of its own rank's samples: the mean over ranks,
    which is what a distributed training takes of the gradients, is then that of the whole batch.
    """
    if not (torch.distributed.is_available() and torch.distributed.is_initialized()):
        return value
    total = value.detach().clone()
    torch.distributed.all_reduce(total)
    return total / torch.distributed.get_world_size()
