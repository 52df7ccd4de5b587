"""Show the sections of a tour in a terminal. Imports no torch."""

from rich.console import Console
from rich.table import Table as Grid
from rich.text import Text

from .section import Section, Table, Token, visible

BAR, NARROWEST, GAP = 6, 14, 2  # characters of a bar, of the narrowest column of names, between columns


def show(heading: tuple[str, str], sections: list[Section], console: Console | None = None) -> None:
    console = console or Console(highlight=False, markup=False, emoji=False)
    console.print(Text(heading[0], style="bold"), Text(heading[1]), sep="\n")
    for section in sections:
        console.print()
        console.rule(Text(section.title, style="bold cyan"), align="left", style="cyan")
        console.print(Text(section.sentence, style="italic"), "", sep="\n")
        grid = Grid.grid(padding=(0, GAP))
        grid.add_column(style="cyan", max_width=38)
        for name, text in section.lines.items():
            grid.add_row(Text(name), Text(text))
        console.print(grid)
        for caption, tokens in section.texts:
            console.print("", _tokens(caption, tokens), sep="\n")
        if section.table:
            console.print("", _table(section.table, console.width), sep="\n")
        for note in section.notes:
            console.print(Text(note, style="dim"))


def _table(table: Table, width: int) -> Grid:
    """With bars, each row is one line: long names are truncated at the beginning, other long texts at the end."""
    grid = Grid(box=None, padding=(0, GAP, 0, 0), pad_edge=False, show_footer=bool(table.total), header_style="dim")
    for place, (name, total) in enumerate(zip(table.header, table.total or table.header, strict=True)):
        is_number = place >= len(table.header) - table.numbers
        grid.add_column(name, total, justify="right" if is_number else "left", no_wrap=bool(table.bars))
    if not table.bars:
        for row in table.rows:
            grid.add_row(*map(Text, row))
        return grid
    longest = width // 5  # so that a name has room
    rows = [
        [name, *(text if len(text) <= longest else f"{text[: longest - 1]}…" for text in texts)]
        for name, *texts in table.rows
    ]
    others = [max(map(len, column)) for column in list(zip(table.header, *rows, strict=True))[1:]]
    room = max(NARROWEST, width - sum(others) - BAR - GAP * (len(others) + 1))
    for (name, *texts), bar in zip(rows, table.bars, strict=True):
        end = name if len(name) <= room else f"…{name[1 - room :]}"
        grid.add_row(*map(Text, [end, *texts]), Text("█" * round(BAR * bar) or "▏" * (bar > 0), style="cyan"))
    return grid


def _tokens(caption: str, tokens: list[Token]) -> Text:
    text = Text(f"{caption}: " if caption else "", style="bold")
    for number, (token, is_replaced) in enumerate(tokens):
        style = "red" if is_replaced else "default on grey23" if number % 2 else "default"
        text.append(visible(token), f"not bold {style}").append(" ")
    return text
