from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import pad


class Generation:
    """Sampling of continuations from a language model.

    A continuation is a function of seed, prompt and its `index`, independent of the rest of the batch.

    Args:
        max_new_tokens: length of a continuation, in tokens.
        temperature: divisor of the logits; 0 for greedy decoding.
        top_k: sample only from this number of most likely tokens.
        top_p: sample only from the most likely tokens with this total probability: Holtzman et al., The Curious Case of
            Neural Text Degeneration, 2020, https://arxiv.org/abs/1904.09751.
        seed: random seed.
    """

    def __init__(
        self,
        max_new_tokens: int = 200,
        temperature: float = 1.0,
        top_k: int | None = None,
        top_p: float | None = None,
        seed: int = 0,
    ) -> None:
        if max_new_tokens < 1:
            raise ValueError(f"max_new_tokens is {max_new_tokens}; it must be at least 1")
        if temperature < 0:
            raise ValueError(f"temperature is {temperature}; it must not be negative")
        if top_k is not None and top_k < 1:
            raise ValueError(f"top_k is {top_k}; it must be at least 1")
        if top_p is not None and not 0 < top_p <= 1:
            raise ValueError(f"top_p is {top_p}; it must be above 0 and at most 1")
        self.max_new_tokens, self.temperature = max_new_tokens, temperature
        self.top_k, self.top_p, self.seed = top_k, top_p, seed

    @torch.no_grad()
    def __call__(self, network: Any, prompts: Tensor, lengths: Tensor, indices: list[int]) -> Tensor:
        """Continuations (batch, max_new_tokens) of prompts (batch, token) with lengths (batch,).

        The network is called with new tokens and a `cache` from its `new_cache()`, which stores the state of earlier
        ones. After `max_tokens` tokens, it restarts from the last half of them.
        """
        device, longest = prompts.device, int(lengths.max())
        draws = torch.stack([self.draws(index) for index in indices]).to(device)
        tokens = pad(prompts, (0, longest + self.max_new_tokens - prompts.shape[1]))
        first, read, cache = -1, 0, None
        for position in range(int(lengths.min()), tokens.shape[1]):
            if (start := window_start(position, network.max_tokens)) != first:
                first, read, cache = start, start, network.new_cache()
            # `forward` bypasses compilation, since the length of the cache changes at each step.
            logits = network.forward(tokens[:, read:position], cache=cache)[:, -1]
            read = position
            step = (position - lengths).clamp(0, self.max_new_tokens - 1)
            chosen = self.choose(logits.float(), draws.gather(1, step[:, None])[:, 0])
            tokens[:, position] = torch.where(position < lengths, tokens[:, position], chosen)
        return tokens.gather(1, lengths[:, None] + torch.arange(self.max_new_tokens, device=device))

    def draws(self, index: int) -> Tensor:
        """Uniform random numbers for each token of a continuation, drawn on the CPU: equal on all devices."""
        generator = torch.Generator().manual_seed(self.seed * 1_000_003 + index)
        return torch.rand(self.max_new_tokens, generator=generator)

    def choose(self, logits: Tensor, draws: Tensor) -> Tensor:
        """Token ids (batch,) from logits (batch, token) and uniform random numbers (batch,)."""
        ordered, tokens = logits.sort(dim=1, descending=True, stable=True)
        if self.temperature == 0:
            return tokens[:, 0]
        probabilities = (ordered / self.temperature)[:, : self.top_k].softmax(dim=1)
        if self.top_p is not None:
            before = probabilities.cumsum(dim=1) - probabilities
            probabilities = probabilities.masked_fill(before >= self.top_p, 0.0)
        cumulative = probabilities.cumsum(dim=1)
        ranks = (cumulative <= draws[:, None] * cumulative[:, -1:]).sum(dim=1, keepdim=True)
        return tokens.gather(1, ranks.clamp(max=probabilities.shape[1] - 1))[:, 0]


def window_start(position: int, max_tokens: int) -> int:
    """First token of the context at a position: 0, then advancing by half a window at a time."""
    step = max(1, max_tokens // 2)
    return step * -(-max(0, position - max_tokens) // step)
