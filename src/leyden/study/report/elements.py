"""Elements of HTML. Plain text is escaped wherever it is used; only what these functions return is markup."""

from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from io import BytesIO
from typing import Any

LARGE = 300_000  # bytes of an image, from which it is compressed with loss
EMPTY = {"img", "input", "br"}  # elements without an end tag


class Html(str):
    """Text that is markup."""

    __slots__ = ()


def html(value: object) -> Html:
    """Return markup as it is, and anything else as escaped text."""
    return value if isinstance(value, Html) else Html(escape(str(value)))


def join(parts: Iterable[object], between: str = "\n") -> Html:
    return Html(between.join(html(part) for part in parts))


def element(tag: str, *children: object, **attributes: Any) -> Html:
    """Return an element.

    Args:
        tag: Such as `p`.
        children: Markup or text.
        **attributes: `class_` is `class`, `aria_label` is `aria-label`; True is an attribute without a value; None and
            False leave it out.
    """
    written = "".join(
        f" {name.rstrip('_').replace('_', '-')}" + ("" if value is True else f'="{escape(str(value))}"')
        for name, value in attributes.items()
        if value is not None and value is not False
    )
    return Html(f"<{tag}{written}>" if tag in EMPTY else f"<{tag}{written}>{join(children, '')}</{tag}>")


def section(title: str, *children: object, sentence: object = "") -> Html:
    """Return a section with a heading that the navigation leads to."""
    lead = [element("p", sentence, class_="lead")] if sentence else []
    identity = anchor(title)
    return element("section", element("h2", title), *lead, *children, id=identity)


def anchor(title: str) -> str:
    return "-".join("".join(letter if letter.isalnum() else " " for letter in title.lower()).split())


def lines(pairs: Mapping[str, object]) -> Html:
    """Return named values."""
    return element("dl", *(join([element("dt", name), element("dd", value)], "") for name, value in pairs.items()))


def table(
    header: Sequence[object],
    rows: Iterable[Sequence[object]],
    numbers: int = 0,
    bars: Sequence[float] = (),
    total: Sequence[object] = (),
    **attributes: Any,
) -> Html:
    """Return a table that scrolls within the page.

    Args:
        header: Names of the columns.
        rows: Cells.
        numbers: How many of the last columns are aligned to the right.
        bars: Length from 0 to 1 of a bar behind each row.
        total: The last row.
        **attributes: Of the table; `caption` is its caption.
    """
    kinds = [None] * (len(header) - numbers) + ["number"] * numbers
    caption = attributes.pop("caption", None)

    def cells(tag: str, texts: Sequence[object], **more: Any) -> list[Html]:
        return [element(tag, text, class_=kind, **more) for text, kind in zip(texts, kinds, strict=True)]

    heads = cells("th", header, scope="col") + [element("td", class_="bar")] * bool(bars)
    body = [
        element("tr", *cells("td", row), *([bar_cell(bars[place])] if bars else [])) for place, row in enumerate(rows)
    ]
    parts = [element("caption", caption)] if caption else []
    parts += [element("thead", element("tr", *heads)), element("tbody", join(body))]
    parts += [element("tfoot", element("tr", *cells("td", total)))] if total else []
    return scrollable(element("table", *parts, **attributes), caption or "table")


def scrollable(child: Html, label: str) -> Html:
    """Return a box that scrolls sideways, also by keys."""
    return element("div", child, class_="wide", tabindex=0, role="group", aria_label=label)


def bar_cell(share: float) -> Html:
    return element("td", element("i", style=f"width:{share:.1%}") if share else "", class_="bar")


def details(summary: object, *children: object, **attributes: Any) -> Html:
    """Return a collapsible element, which is open in print."""
    return element("details", element("summary", summary), *children, **attributes)


def picture(png: bytes, alt: str, caption: str = "") -> Html:
    """Return an image within the page."""
    kind, content = ("png", png) if len(png) < LARGE else _smaller(png)
    image = element("img", src=f"data:image/{kind};base64,{b64encode(content).decode()}", alt=alt)
    captions = [element("figcaption", caption)] if caption else []
    return element("figure", scrollable(image, caption or alt), *captions)


def _smaller(png: bytes) -> tuple[str, bytes]:
    """Return the format and the bytes of an image, compressed if that makes it smaller."""
    from PIL import Image, UnidentifiedImageError

    target = BytesIO()
    try:
        with Image.open(BytesIO(png)) as image:
            image.convert("RGB").save(target, "WEBP", quality=85)
    except (OSError, UnidentifiedImageError, ValueError):  # damaged: the browser shows the text instead
        return "png", png
    return ("webp", target.getvalue()) if target.tell() < len(png) else ("png", png)
