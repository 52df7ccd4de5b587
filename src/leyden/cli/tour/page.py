"""Writes the sections of a tour as one HTML page that needs nothing else: no server, no scripts, no other files."""

from html import escape

from .section import Section, Table, Token, visible

STYLE = """
:root { color-scheme: light dark; --ink: #1c1e21; --quiet: #5c6570; --paper: #fff; --line: #dfe3e8; --bar: #2f7ed8;
  --soft: #eef1f5; --replaced: #ffd0cc }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e7eb; --quiet: #9aa5b1; --paper: #16191d; --line: #343b44;
  --bar: #5aa2f2; --soft: #262c33; --replaced: #7a302b } }
body { margin: 0 auto; padding: 1.5rem 1rem 4rem; max-width: 60rem; background: var(--paper); color: var(--ink);
  font: 16px/1.5 system-ui, sans-serif }
h1 { font-size: 1.5rem; line-height: 1.25; margin: 0; overflow-wrap: anywhere }
h2 { font-size: 1.2rem; margin: 2.5rem 0 .25rem; padding-top: .75rem; border-top: 1px solid var(--line) }
p { margin: .25rem 0 .75rem; color: var(--quiet) }
dl { display: grid; grid-template-columns: minmax(6rem, max-content) 1fr; gap: .2rem 1rem; margin: .5rem 0 }
dt { color: var(--quiet); max-width: 20rem } dd { margin: 0; overflow-wrap: anywhere }
.wide { overflow-x: auto; margin: .75rem 0 }
table { border-collapse: collapse; font-size: .875rem; width: 100% }
dd, table { font-variant-numeric: tabular-nums }
th, td { text-align: left; padding: .2rem .75rem .2rem 0; white-space: nowrap; border-bottom: 1px solid var(--line) }
th { color: var(--quiet) } tfoot td { font-weight: 600; border: 0 } .number { text-align: right }
.bar { width: 30%; min-width: 4rem } .bar i { display: block; height: .7rem; min-width: 1px; background: var(--bar);
  border-radius: 2px; print-color-adjust: exact; -webkit-print-color-adjust: exact }
img { display: block; width: 100%; min-width: 30rem; border-radius: 6px }
.tokens { margin: .75rem 0; line-height: 2 } .tokens b { margin-right: .5rem }
.tokens span { background: var(--soft); border-radius: 3px; padding: .1rem .3rem; margin-right: .15rem;
  font: .8rem ui-monospace, monospace; overflow-wrap: anywhere } .tokens .replaced { background: var(--replaced) }
@media (max-width: 40rem) { dl { grid-template-columns: 1fr; gap: 0 } dd { margin-bottom: .4rem }
  th:first-child, td:first-child { white-space: normal; overflow-wrap: anywhere; min-width: 7rem } }
@media print { html { font-size: 10px } body { font-size: 1rem; max-width: none; padding: 0 } .wide { overflow: visible }
  tr, img { break-inside: avoid } h2 { break-after: avoid } }
"""


def page(heading: tuple[str, str], sections: list[Section]) -> str:
    title, subtitle = map(escape, heading)
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{title}</title>'
    body = "\n".join([f"<h1>{title}</h1><p>{subtitle}</p>", *map(_section, sections)])
    return f'<!doctype html>\n<html lang="en"><head>{head}<style>{STYLE}</style></head>\n<body>{body}</body></html>\n'


def _section(section: Section) -> str:
    lines = "".join(f"<dt>{escape(name)}</dt><dd>{escape(text)}</dd>\n" for name, text in section.lines.items())
    image = f'<img alt="Samples of the batch" src="data:image/png;base64,{section.figure}">'
    parts = [f"<h2>{escape(section.title)}</h2><p>{escape(section.sentence)}</p><dl>{lines}</dl>"]
    parts += [f'<div class="wide">{image}</div>'] * bool(section.figure)
    parts += [_tokens(*one) for one in section.texts] + [_table(section.table) if section.table else ""]
    return "\n".join([*parts, *(f"<p>{escape(note)}</p>" for note in section.notes)])


def _table(table: Table) -> str:
    classes = [""] * (len(table.header) - table.numbers) + [' class="number"'] * table.numbers

    def cells(texts: list[str], tag: str) -> str:
        return "".join(f"<{tag}{kind}>{escape(text)}</{tag}>" for text, kind in zip(texts, classes, strict=True))

    bars = [f'<td class="bar"><i style="width:{bar:.1%}"></i></td>' if bar else "<td></td>" for bar in table.bars]
    rows = zip(table.rows, bars or [""] * len(table.rows), strict=True)
    body = "\n".join(f"<tr>{cells(row, 'td')}{bar}</tr>" for row, bar in rows)
    total = f"<tfoot><tr>{cells(table.total, 'td')}</tr></tfoot>" if table.total else ""
    head = cells(table.header, "th") + '<th class="bar"></th>' * bool(bars)
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody>{total}</table></div>'


def _tokens(caption: str, tokens: list[Token]) -> str:
    spans = (f"<span{' class=replaced' * is_replaced}>{escape(visible(token))}</span>" for token, is_replaced in tokens)
    return f'<div class="tokens">{f"<b>{escape(caption)}</b>" if caption else ""}{" ".join(spans)}</div>'
