import torch
from torch import Tensor


def copy_word_vectors(table: Tensor, word_vectors: Tensor) -> None:
    """Copy word vectors (token, feature) to the first rows of an embedding table, except those with NaN.

    Raises:
        ValueError: the sizes of the vectors differ.
    """
    tokens, size = word_vectors.shape
    if size != table.shape[1]:
        raise ValueError(
            f"the word vectors have {size} features, but the network has {table.shape[1]}: set it to {size}"
        )
    is_valid = ~word_vectors.isnan().any(dim=1)
    with torch.no_grad():
        table[:tokens][is_valid] = word_vectors[is_valid].to(table)
