import warnings

import numpy as np
import torch
from torch import Tensor


def mapped(array: np.ndarray) -> Tensor:
    """View a read-only memory-mapped array as a tensor without a copy; writing to it would crash the process."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
        return torch.from_numpy(array)
