"""What must not be read by others is cut from what is logged, kept or uploaded."""

import logging
import re
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

# The user and password, or token, of an address.
CREDENTIALS = re.compile(r"(?<=://)[^/\s@'\"]+(?=@)")
NEVER_UPLOADED = {"launcher": ("setup", "python"), "": ("runs",)}


def has_credentials(text: str) -> bool:
    """Whether an address in a text holds a password or token itself, and not a reference to one."""
    return any(re.sub(r"\$\{[^{}]*\}|:", "", found) for found in CREDENTIALS.findall(text))


def hidden(text: str, secrets: Mapping[str, str]) -> str:
    """A text without credentials in addresses, and with the names of secrets instead of their values."""
    for value in sorted(secrets, key=len, reverse=True):
        text = text.replace(value, secrets[value])
    return CREDENTIALS.sub("***", text)


class DiscreetFormatter(logging.Formatter):
    """Formats log records as `hidden` says.

    Args:
        secrets: values and their names.
        form, date: see `logging.Formatter`.
    """

    def __init__(self, secrets: Mapping[str, str], form: str, date: str | None = None) -> None:
        super().__init__(form, date)
        self.secrets = secrets

    def format(self, record: logging.LogRecord) -> str:
        return hidden(super().format(record), self.secrets)


def for_upload(config: dict[str, Any]) -> dict[str, Any]:
    """What others may know of a configuration: no shell lines, and of paths of this machine the last name alone.

    Args:
        config: as it is frozen, with references.
    """
    public = {name: _public(value) for name, value in config.items() if name not in NEVER_UPLOADED[""]}
    if isinstance(launcher := public.get("launcher"), dict):
        public["launcher"] = {name: value for name, value in launcher.items() if name not in NEVER_UPLOADED["launcher"]}
    return public


def _public(node: Any) -> Any:
    if isinstance(node, dict):
        return {name: _public(value) for name, value in node.items()}
    if isinstance(node, list):
        return [_public(value) for value in node]
    if isinstance(node, str) and re.match(r"(local:|file://)?(/|~)", node):
        return f".../{PurePath(node).name}"
    return CREDENTIALS.sub("***", node) if isinstance(node, str) else node
