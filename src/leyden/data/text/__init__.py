from .stdlib import Stdlib
from .text_files import TextFiles
from .text_folders import TextFolders
from .tokenizer import Tokenizer
from .word_tokenizer import WordTokenizer

__all__ = ["Stdlib", "TextFiles", "TextFolders", "Tokenizer", "WordTokenizer"]
