"""Write the sections of a tour as one self-contained HTML page."""

from base64 import b64decode

from ...study.report import elements
from ...study.report.document import document
from ...study.report.elements import Html, element, join, lines, picture, table
from .section import Section, Token, visible


def page(heading: tuple[str, str], sections: list[Section]) -> str:
    title, subtitle = heading
    return document(title, subtitle, [section.title for section in sections], [*map(_section, sections)], draws=False)


def _section(section: Section) -> Html:
    parts = [lines(section.lines)]
    if section.figure:
        parts.append(picture(b64decode(section.figure), "Samples of the batch"))
    parts += [_tokens(*one) for one in section.texts]
    if shown := section.table:
        parts.append(table(shown.header, shown.rows, shown.numbers, shown.bars, shown.total))
    notes = [element("p", note, class_="note") for note in section.notes]
    return elements.section(section.title, *parts, *notes, sentence=section.sentence)


def _tokens(caption: str, tokens: list[Token]) -> Html:
    spans = [
        element("span", visible(token), class_="replaced" if is_replaced else None) for token, is_replaced in tokens
    ]
    captions = [element("b", caption)] if caption else []
    return element("div", *captions, join(spans, " "), class_="tokens")
