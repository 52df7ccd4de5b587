from .stdlib import Stdlib
from .stdlib_functions import StdlibFunctions
from .text_files import TextFiles
from .text_folders import TextFolders
from .tokenizer import Tokenizer
from .word_tokenizer import WordTokenizer

__all__ = ["Stdlib", "StdlibFunctions", "TextFiles", "TextFolders", "Tokenizer", "WordTokenizer"]
