"""A confusion matrix as a table with numbers."""

from .elements import Html, element, join, scrollable

MOST_CLASSES = 100
PAIRS = 5  # of classes that are taken for another most often


def confusion(rows: list[list[str]], caption: str) -> Html:
    """Return the matrix with recall and precision of each class, and the classes that are most often confused.

    Args:
        rows: Of the CSV file: the names of the predicted classes, then a row of counts for each true class.
        caption: Of the table.

    Raises:
        ValueError: The rows are not a confusion matrix.
    """
    (_, *names), *body = rows
    counts = [[int(cell) for cell in row[1:]] for row in body]
    if len(counts) != len(names) or any(len(row) != len(names) for row in counts):
        raise ValueError("expected a row and a column for each class")
    pairs = sorted(
        ((counts[t][p], t, p) for t in range(len(names)) for p in range(len(names)) if t != p and counts[t][p]),
        key=lambda pair: -pair[0],
    )
    texts = [f"{names[t]} as {names[p]} ({count:,})" for count, t, p in pairs[:PAIRS]]
    sentence = f"Most often confused: {', '.join(texts)}." if texts else "No class is confused with another."
    if len(names) > MOST_CLASSES:
        return element("p", f"{caption} has {len(names)} classes, too many for a table. {sentence}")
    return join([_matrix(names, counts, caption), element("p", sentence)])


def _matrix(names: list[str], counts: list[list[int]], caption: str) -> Html:
    columns = [sum(column) for column in zip(*counts, strict=True)]
    rows = []
    for place, (name, row) in enumerate(zip(names, counts, strict=True)):
        total = sum(row) or 1
        cells = [
            element("td", f"{count:,}", style=f"--share:{count / total:.3f}", class_=None if count else "zero")
            for count in row
        ]
        rows.append(element("tr", element("th", name, scope="row"), *cells, _rate(row[place], sum(row))))
    precision = [_rate(counts[place][place], column) for place, column in enumerate(columns)]
    rows.append(element("tr", element("th", "precision", scope="row"), *precision, element("td", "", class_="rate")))
    corner = "true \\ predicted"
    heads = [element("th", text, scope="col") for text in (corner, *names, "recall")]
    head = element("thead", element("tr", *heads))
    matrix = element("table", element("caption", caption), head, element("tbody", join(rows)), class_="matrix")
    return scrollable(matrix, caption)


def _rate(part: int, whole: int) -> Html:
    return element("td", f"{part / whole:.3f}" if whole else "", class_="rate")
