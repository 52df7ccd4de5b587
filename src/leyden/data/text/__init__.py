from .stdlib import Stdlib
from .subword_tokenizer import SubwordTokenizer
from .text_files import TextFiles
from .tokenizer import Tokenizer
from .torchtext_tokenizer import TorchtextTokenizer
from .word_tokenizer import WordTokenizer

__all__ = ["Stdlib", "SubwordTokenizer", "TextFiles", "Tokenizer", "TorchtextTokenizer", "WordTokenizer"]
