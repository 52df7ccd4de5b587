from .stdlib import Stdlib
from .text_files import TextFiles
from .tokenizer import Tokenizer
from .word_tokenizer import WordTokenizer

__all__ = ["Stdlib", "TextFiles", "Tokenizer", "WordTokenizer"]
