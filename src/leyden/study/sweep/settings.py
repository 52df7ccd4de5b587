"""Dotted names of settings in a configuration of dictionaries and lists."""

import json
import re
from collections.abc import Iterator
from typing import Any

_MISSING = object()


def leaves(node: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the dotted name and the value of each setting, also of those in lists."""
    items = node.items() if isinstance(node, dict) else enumerate(node)
    for key, value in items:
        name = f"{prefix}{key}"
        if isinstance(value, dict | list) and value:
            yield from leaves(value, f"{name}.")
        else:
            yield name, value


def look_up(config: Any, name: str, default: Any = None) -> Any:
    """Return the value of a setting, or the default if there is none."""
    for part in name.split("."):
        if isinstance(config, dict) and part in config:
            config = config[part]
        elif isinstance(config, list) and part.isdigit() and int(part) < len(config):
            config = config[int(part)]
        else:
            return default
    return config


def exists(config: Any, name: str) -> bool:
    """Whether there is a setting of this name."""
    return look_up(config, name, _MISSING) is not _MISSING


def put(config: Any, name: str, value: Any) -> Any:
    """Return a copy of a configuration with a changed setting; parts that do not change are shared."""
    first, _, rest = name.partition(".")
    if isinstance(config, list):
        return [
            put(item, rest, value) if rest and str(i) == first else value if str(i) == first else item
            for i, item in enumerate(config)
        ]
    inner = put(config.get(first) or {}, rest, value) if rest else value
    return {**config, first: inner}


def format_override(name: str, value: Any) -> str:
    """Format a setting as an override of the command line."""
    return f"{name}={_format(value)}"


def _format(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ",".join(f"{key}:{_format(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_format, value)) + "]"
    if isinstance(value, str) and not re.fullmatch(r"(?!null$|true$|false$|nan$|inf$)[A-Za-z_][\w./-]*", value):
        return json.dumps(value, ensure_ascii=False)
    return value if isinstance(value, str) else "null" if value is None else json.dumps(value)
