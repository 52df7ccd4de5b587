"""A language model on a corpus, trained, stopped and resumed: the results are bitwise equal to an uninterrupted run."""

import csv
import json
import math
from functools import partial
from pathlib import Path

import pytest
import torch
from lightning.pytorch import Callback, Trainer
from matplotlib.image import imread

from leyden.callbacks import NonFiniteLoss, PredictionPlots, ResumePoint, Throughput
from leyden.callbacks.resume_point import SavesAtPoints
from leyden.data.text import CharacterTokenizer, CorpusFiles
from leyden.loggers.metrics_csv import MetricsCSV
from leyden.networks.text import GPT
from leyden.tasks import LanguageModeling
from leyden.tasks.decoding import Generation

TEXT = "".join(f"{number} and {number + 1} are {2 * number + 1}.\n" for number in range(60))
STOP = 20  # steps, in the second epoch of three


class Stop(SavesAtPoints, Callback):
    """Saves and stops after a step in the middle of an epoch, as a signal would."""

    def is_due(self, trainer, moment):
        return trainer.global_step == STOP

    def on_saved(self, trainer):
        raise RuntimeError("stopped")


def parts(folder, callbacks=(), seed=0, batch_size=4):
    (folder / "text.txt").write_text(TEXT)
    data = CorpusFiles(
        str(folder / "text.txt"), batch_size=batch_size, seed=seed, max_tokens=16, tokenizer=CharacterTokenizer()
    )
    data.setup("fit")
    torch.manual_seed(seed)
    model = LanguageModeling(
        network=GPT(data.vocab_size, data.max_tokens, width=16, depth=1, num_heads=2, dropout=0.1),
        token_bytes=data.token_bytes,
        generation=Generation(max_new_tokens=20),
        optimizer=partial(torch.optim.AdamW, lr=1e-2),
    )
    trainer = Trainer(
        accelerator="cpu",
        max_epochs=3,
        callbacks=list(callbacks),
        logger=MetricsCSV(folder),
        default_root_dir=folder,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        gradient_clip_val=1.0,
        log_every_n_steps=5,
    )
    return trainer, model, data


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    trainer, model, data = parts(tmp_path_factory.mktemp("undisturbed"), [Throughput(), PredictionPlots(num_samples=3)])
    trainer.fit(model, data)
    return trainer, model, data


@pytest.mark.filterwarnings("ignore:.*your dataloader is not resumable.*")  # the data module resumes by itself
def test_a_resumed_run_ends_with_the_bits_of_one_left_alone(undisturbed, tmp_path):
    trainer, model, data = parts(tmp_path, [ResumePoint(tmp_path / "last.ckpt"), Stop()])
    assert len(data.train_dataloader()) < STOP < 2 * len(data.train_dataloader()) - 3
    with pytest.raises(RuntimeError, match="stopped"):
        trainer.fit(model, data)
    trainer, model, data = parts(tmp_path, [ResumePoint(tmp_path / "last.ckpt")])
    trainer.fit(model, data, ckpt_path=tmp_path / "last.ckpt")
    expected = undisturbed[1].state_dict()
    assert expected.keys() == model.state_dict().keys()
    assert all(value.equal(expected[name]) for name, value in model.state_dict().items())
    other = parts(tmp_path, seed=1)
    other[0].fit(*other[1:])
    assert not other[1].network.norm.weight.equal(model.network.norm.weight)


def test_a_run_logs_its_losses(undisturbed):
    trainer, model, data = undisturbed
    (results,) = trainer.test(model, data, verbose=False)
    data.setup("test")
    batch = data.samples["test"].__getitems__(list(range(len(data.samples["test"]))))
    (text,) = data.load_documents("test")
    with torch.no_grad():
        logits = model.eval().network(batch.inputs.long()).log_softmax(dim=2)
    known = [
        -logits[sample, place, target].item()
        for sample, targets in enumerate(batch.targets.tolist())
        for place, target in enumerate(targets)
        if target != -100
    ]
    assert len(known) == len(text)
    assert results["test/loss"] == pytest.approx(sum(known) / len(known), rel=1e-4)
    assert results["test/token_perplexity"] == pytest.approx(math.exp(sum(known) / len(known)), rel=1e-4)
    words = sum(len(document.split()) for document in data.load_documents("test"))
    assert results["test/word_perplexity"] == pytest.approx(math.exp(sum(known) / words), rel=1e-3)
    assert results["test/bits_per_byte"] == pytest.approx(sum(known) / math.log(2) / len(text.encode()), rel=1e-4)
    assert results["test/loss"] < math.log(data.vocab_size) / 1.5  # the model has learnt something


def test_figures_and_samples_after_the_test(undisturbed):
    trainer, model, data = undisturbed
    trainer.test(model, data, verbose=False)
    plots = Path(trainer.default_root_dir) / "plots"
    assert {path.name for path in plots.iterdir()} == {
        "test_predictions.png",
        "test_samples.png",
        "test_samples.txt",
        "test_worst.png",
        "test_worst_samples.csv",
    }
    for image in plots.glob("*.png"):  # a blank figure has no variance
        assert imread(image)[..., :3].std() > 0.01
    samples = (plots / "test_samples.txt").read_text(encoding="utf-8")
    assert samples.count("--- continuation") == 4
    (text,) = data.load_documents("test")
    assert samples.partition("\n--- continuation 0")[0] == f"--- prompt 0\n{text[:15]}"  # after the end-of-text token
    trainer.test(model, data, verbose=False)
    assert (plots / "test_samples.txt").read_text(encoding="utf-8") == samples


def test_throughput_in_tokens(undisturbed):
    with undisturbed[0].logger.file.path.open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["train/tokens_per_second"]]
    assert len(rows) == 3
    for row in rows:
        assert float(row["train/tokens_per_second"]) == pytest.approx(16 * float(row["train/samples_per_second"]))


def test_a_step_without_a_finite_loss_is_left_out_and_its_windows_are_named(tmp_path):
    read = {}

    class Note(Callback):
        def on_train_batch_start(self, trainer, pl_module, batch, batch_idx):
            read[batch_idx] = batch.inputs.clone()

    trainer, model, data = parts(tmp_path, [Note(), NonFiniteLoss("skip")])
    trainer.fit_loop.max_epochs = 1
    losses = model.losses
    model.losses = lambda batch: losses(batch) * (math.nan if trainer.training and model.global_step == 2 else 1)
    trainer.fit(model, data)
    assert all(parameter.isfinite().all() for parameter in model.parameters())
    (line,) = (tmp_path / "non_finite.jsonl").read_text().splitlines()
    report = json.loads(line)
    assert (report["batch"], report["action"]) == (2, "skip")
    assert data.samples["train"].__getitems__(report["samples"]["0"]).inputs.equal(read[2].int())
