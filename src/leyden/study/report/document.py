"""The HTML file: style and scripts from the files beside this one, and a policy that forbids any request."""

import json
from collections.abc import Sequence
from contextlib import suppress
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any

from .elements import Html, anchor, element, html, join

MARK = '<meta name="generator" content="Leyden">'


def document(title: str, subtitle: object, titles: Sequence[str], body: Sequence[object], draws: bool = True) -> str:
    """Return a page.

    Args:
        title: Of the page.
        subtitle: Below it.
        titles: Of the sections, for the navigation.
        body: What is on the page.
        draws: Whether there are charts.
    """
    links = [element("li", element("a", name, href=f"#{anchor(name)}")) for name in titles]
    scripts = ["page.js", *["charts.js", "chart_controls.js", "parallel_coordinates.js"] * draws]
    return Template(_file("page.html")).substitute(
        mark=MARK,
        title=html(title),
        subtitle=html(subtitle),
        style=_file("page.css"),
        navigation=element("ul", *links),
        body=join(body),
        script="\n".join(_file(name) for name in scripts),
    )


def is_page(file: Path) -> bool:
    """Whether a file is a page that `document` has made."""
    with suppress(OSError), file.open("rb") as stream:
        return MARK.encode() in stream.read(1000)
    return False


def data_block(value: Any) -> Html:
    """Return data for the scripts."""
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    escaped = text.replace("<", "\\u003c")  # a text may hold </script>
    return Html(f'<script type="application/json">{escaped}</script>')


def _file(name: str) -> str:
    return files("leyden.study.report").joinpath(name).read_text(encoding="utf-8").strip()
