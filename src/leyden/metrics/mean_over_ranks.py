import torch.distributed
from torch import Tensor


def mean_over_ranks(value: Tensor) -> Tensor:
    """Mean of a value over all ranks, without a gradient.

    A weighted mean loss must divide by it instead of the weights of its own rank: then the mean of the gradients over
    ranks, as computed by distributed training, equals the gradient over the whole batch.
    """
    if not (torch.distributed.is_available() and torch.distributed.is_initialized()):
        return value
    total = value.detach().clone()
    torch.distributed.all_reduce(total)
    return total / torch.distributed.get_world_size()
