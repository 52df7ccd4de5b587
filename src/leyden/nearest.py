from collections.abc import Iterable
from difflib import get_close_matches


def hint(name: str, names: Iterable[str], few: int = 40) -> str:
    """The end of a sentence: the nearest of these names, or all of them where they are few."""
    known = sorted(set(names))
    if near := get_close_matches(name, known, n=1):
        return f"; did you mean {near[0]!r}?"
    return f"; there are {', '.join(known)}" if 0 < len(known) <= few else ""
