from collections.abc import Callable
from typing import Any, TypeVar

Network = TypeVar("Network", bound=Callable[..., Any])


def provides(rule: Callable[..., dict[str, Any]]) -> Callable[[Network], Network]:
    """Decorates a network whose pretrained weights dictate how its inputs are prepared.

    Args:
        rule: called before anything is built, with those of the network's arguments that it names -> values for arguments
            of the data of the same names, such as `image_size`, `mean` and `std`.
    """

    def decorate(network: Network) -> Network:
        network.provides = rule  # pyrefly: ignore[missing-attribute]
        return network

    return decorate
