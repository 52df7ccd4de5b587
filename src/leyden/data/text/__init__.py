from .byte_pair_tokenizer import BytePairTokenizer
from .character_tokenizer import CharacterTokenizer
from .corpus_files import CorpusFiles
from .stdlib import Stdlib
from .stdlib_functions import StdlibFunctions
from .stdlib_source import StdlibSource
from .subword_tokenizer import SubwordTokenizer
from .text_data import TextData
from .text_files import TextFiles
from .text_folders import TextFolders
from .tokenizer import Tokenizer
from .torchtext_tokenizer import TorchtextTokenizer
from .word_tokenizer import WordTokenizer

__all__ = [
    "BytePairTokenizer",
    "CharacterTokenizer",
    "CorpusFiles",
    "Stdlib",
    "StdlibFunctions",
    "StdlibSource",
    "SubwordTokenizer",
    "TextData",
    "TextFiles",
    "TextFolders",
    "Tokenizer",
    "TorchtextTokenizer",
    "WordTokenizer",
]
