from .byte_pair_tokenizer import BytePairTokenizer
from .character_tokenizer import CharacterTokenizer
from .corpus_files import CorpusFiles
from .stdlib import Stdlib
from .stdlib_source import StdlibSource
from .text_files import TextFiles
from .tokenizer import Tokenizer
from .word_tokenizer import WordTokenizer

__all__ = [
    "BytePairTokenizer",
    "CharacterTokenizer",
    "CorpusFiles",
    "Stdlib",
    "StdlibSource",
    "TextFiles",
    "Tokenizer",
    "WordTokenizer",
]
