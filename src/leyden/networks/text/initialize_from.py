import torch
from torch import Tensor


def start_from(table: Tensor, word_vectors: Tensor) -> None:
    """Puts the vectors that are known [token, feature] into the first rows of a table; those that are NaN are not.

    Raises:
        ValueError: the vectors are of another size than the table's.
    """
    tokens, size = word_vectors.shape
    if size != table.shape[1]:
        raise ValueError(f"the word vectors have {size} features, the network's own {table.shape[1]}: set it to {size}")
    known = ~word_vectors.isnan().any(dim=1)
    with torch.no_grad():
        table[:tokens][known] = word_vectors[known].to(table)
