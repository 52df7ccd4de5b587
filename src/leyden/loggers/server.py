"""Find out within seconds whether a server responds. Torch-free."""

import re
import threading
from http.client import HTTPException
from ssl import SSLError
from urllib.error import HTTPError, URLError
from urllib.request import build_opener


def without_password(address: str) -> str:
    """Return an address without user and password."""
    return re.sub(r"(?<=://)[^/@]*@", "", address)


def responds(server: str, seconds: float = 4.0) -> bool:
    """Whether the server responds at all, through the proxy set in the environment."""
    responses, server = [], without_password(server)  # urllib takes no user and password in addresses

    def request() -> None:
        try:
            build_opener().open(server, timeout=seconds).close()
        except HTTPError:
            pass
        except URLError as error:
            if not isinstance(error.reason, SSLError):  # clients use their own certificates
                return
        except (OSError, HTTPException, ValueError):
            return
        responses.append(True)

    thread = threading.Thread(target=request, daemon=True)  # name resolution has no timeout
    thread.start()
    thread.join(seconds)
    return bool(responses)
