import torch

from leyden.metrics.word_starts import WordStarts


def test_words_are_those_of_python_however_the_text_is_divided_into_tokens():
    text = b"  one two\n\tthree four  "
    tokens = [b"", *sorted({text[start : start + size] for start in range(len(text)) for size in (1, 2, 3, 7)})]
    starts = WordStarts(tokens)
    for size in (1, 2, 3, 7):
        ids = [0] + [tokens.index(text[place : place + size]) for place in range(0, len(text), size)]
        ids = torch.tensor(ids + ids)  # two texts
        assert starts(ids[1:], ids[:-1]).sum() == 2 * len(text.split())
