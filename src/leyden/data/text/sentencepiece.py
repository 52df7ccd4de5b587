import io
import tempfile
from collections.abc import Iterable
from pathlib import Path

# torchtext passes the model type to SentencePiece's command line, which allows further options: a small corpus may have
# fewer pieces than the limit, long texts are not skipped, and a single thread is deterministic.
MODEL = "unigram --hard_vocab_limit=false --max_sentence_length=1000000000 --num_threads=1 --minloglevel=2"


class SentencePiece:
    """Subwords of torchtext's SentencePiece: a unigram model, Kudo 2018, https://arxiv.org/abs/1804.10959.

    Args:
        model: trained model in SentencePiece's format.
    """

    def __init__(self, model: bytes) -> None:
        from torchtext.data.functional import load_sp_model

        self.model = model
        self._processor = load_sp_model(io.BufferedReader(io.BytesIO(model)))

    @classmethod
    def train(cls, texts: Iterable[str], max_pieces: int) -> "SentencePiece":
        from torchtext.data.functional import generate_sp_model

        with tempfile.TemporaryDirectory() as folder:
            lines = Path(folder, "texts")
            lines.write_text("\n".join(" ".join(text.split()) for text in texts), encoding="utf-8")
            generate_sp_model(str(lines), max_pieces, MODEL, f"{folder}/pieces")
            return cls(Path(folder, "pieces.model").read_bytes())

    def split(self, text: str) -> list[str]:
        return self._processor.EncodeAsPieces(text)

    def save(self, folder: Path) -> None:
        (folder / "sentencepiece.model").write_bytes(self.model)

    @classmethod
    def load(cls, folder: Path) -> "SentencePiece":
        return cls((folder / "sentencepiece.model").read_bytes())
