from collections.abc import Callable
from typing import Any, TypeVar

Network = TypeVar("Network", bound=Callable[..., Any])


def provides(rule: Callable[..., dict[str, Any]]) -> Callable[[Network], Network]:
    """Decorate a network whose pretrained weights require a specific preprocessing of its inputs.

    Args:
        rule: called before anything is built, with the arguments of the network that it names; returns values for
            arguments of the data module, such as `image_size`, `mean` and `std`.
    """

    def decorate(network: Network) -> Network:
        network.provides = rule  # pyrefly: ignore[missing-attribute]
        return network

    return decorate
