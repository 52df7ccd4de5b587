from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import pad


class Generation:
    """How a language model goes on: token by token, each drawn by the probabilities that the model gives.

    A continuation is a function of seed, prompt and its `number`, whatever else is generated along with it.

    Args:
        max_new_tokens: length of a continuation, in tokens.
        temperature: divides the logits: below 1 likely tokens become likelier; 0 takes the likeliest alone.
        top_k: only so many of the likeliest tokens are drawn from.
        top_p: only the likeliest tokens that together have this probability are drawn from: Holtzman et al., The
            Curious Case of Neural Text Degeneration, 2020, https://arxiv.org/abs/1904.09751.
        seed: of the draws.
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
    def __call__(self, network: Any, prompts: Tensor, lengths: Tensor, numbers: list[int]) -> Tensor:
        """Prompts [batch, token], their lengths [batch] and numbers -> continuations [batch, max_new_tokens].

        The network is called with the tokens that it has not read yet and with `cache`, what its `new_cache()` gave,
        which keeps what it needs of the former ones. When it has read `max_tokens`, it starts again with the last half
        of them.
        """
        device, longest = prompts.device, int(lengths.max())
        draws = torch.stack([self.draws(number) for number in numbers]).to(device)
        tokens = pad(prompts, (0, longest + self.max_new_tokens - prompts.shape[1]))
        first, read, cache = -1, 0, None
        for place in range(int(lengths.min()), tokens.shape[1]):
            if (start := window_start(place, network.max_tokens)) != first:
                first, read, cache = start, start, network.new_cache()
            # `forward`, past any compilation: the length of the cache is another one at each step.
            logits = network.forward(tokens[:, read:place], cache=cache)[:, -1]
            read = place
            step = (place - lengths).clamp(0, self.max_new_tokens - 1)
            chosen = self.choose(logits.float(), draws.gather(1, step[:, None])[:, 0])
            tokens[:, place] = torch.where(place < lengths, tokens[:, place], chosen)
        return tokens.gather(1, lengths[:, None] + torch.arange(self.max_new_tokens, device=device))

    def draws(self, number: int) -> Tensor:
        """Numbers between 0 and 1 for each token of a continuation, drawn on the CPU: equal on all devices."""
        generator = torch.Generator().manual_seed(self.seed * 1_000_003 + number)
        return torch.rand(self.max_new_tokens, generator=generator)

    def choose(self, logits: Tensor, draws: Tensor) -> Tensor:
        """Logits [batch, token] and uniform numbers [batch] -> token ids [batch]."""
        ordered, tokens = logits.sort(dim=1, descending=True, stable=True)
        if self.temperature == 0:
            return tokens[:, 0]
        probabilities = (ordered / self.temperature)[:, : self.top_k].softmax(dim=1)
        if self.top_p is not None:
            before = probabilities.cumsum(dim=1) - probabilities
            probabilities = probabilities.masked_fill(before >= self.top_p, 0.0)
        reached = probabilities.cumsum(dim=1)
        places = (reached <= draws[:, None] * reached[:, -1:]).sum(dim=1, keepdim=True)
        return tokens.gather(1, places.clamp(max=probabilities.shape[1] - 1))[:, 0]


def window_start(place: int, max_tokens: int) -> int:
    """The first token that is seen when the one at `place` is drawn: 0, then in leaps of half a window."""
    leap = max(1, max_tokens // 2)
    return leap * -(-max(0, place - max_tokens) // leap)
