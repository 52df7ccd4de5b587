import warnings

import numpy as np
import torch
from torch import Tensor


def mapped(array: np.ndarray) -> Tensor:
    """A file that is mapped for reading as a tensor, without a copy: to write to it would end the process."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
        return torch.from_numpy(array)
