"""Redact secrets and local paths from logs, stored files and uploads."""

import logging
import re
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

# The user and password, or token, in a URL.
CREDENTIALS = re.compile(r"(?<=://)[^/\s@'\"]+(?=@)")
# The folder of a database file, as in the address of MLflow's.
DATABASE_FOLDER = re.compile(r"(?<=sqlite:///)(?:/|~)[^'\"}]*/")
NEVER_UPLOADED = {"launcher": ("setup", "python"), "": ("runs",)}


def has_credentials(text: str) -> bool:
    """Whether a URL in a string contains a password or token itself, not a reference to one."""
    return any(re.sub(r"\$\{[^{}]*\}|:", "", match) for match in CREDENTIALS.findall(text))


def redact(text: str, secrets: Mapping[str, str]) -> str:
    """Replace credentials in URLs by asterisks and the values of secrets by their names."""
    for value in sorted(secrets, key=len, reverse=True):
        text = text.replace(value, secrets[value])
    return CREDENTIALS.sub("***", text)


class RedactingFormatter(logging.Formatter):
    """Format log records with `redact`.

    Args:
        secrets: Value -> name of each secret.
        fmt, datefmt: See `logging.Formatter`.
    """

    def __init__(self, secrets: Mapping[str, str], fmt: str, datefmt: str | None = None) -> None:
        super().__init__(fmt, datefmt)
        self.secrets = secrets

    def format(self, record: logging.LogRecord) -> str:
        return redact(super().format(record), self.secrets)


def for_upload(config: dict[str, Any]) -> dict[str, Any]:
    """Return a configuration without shell commands and with local paths reduced to their last component.

    Args:
        config: The frozen configuration, with references.
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
    return DATABASE_FOLDER.sub(".../", CREDENTIALS.sub("***", node)) if isinstance(node, str) else node
