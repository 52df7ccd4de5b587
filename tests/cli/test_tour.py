"""Tours of experiments: what is recorded of the step, and what a terminal and a page show of it."""

import csv
import io
import math
import re
from pathlib import Path

import pytest
import torch
from lightning.pytorch import seed_everything
from PIL import Image
from rich.console import Console
from torch.nn.functional import cross_entropy

from leyden.cli.tour.drawings import texts
from leyden.cli.tour.first_step import first_step
from leyden.cli.tour.page import page
from leyden.cli.tour.section import Section, Table
from leyden.cli.tour.sections import heading, sections
from leyden.cli.tour.terminal import show
from leyden.config.build import build
from leyden.config.compose import compose
from leyden.config.embedded import embedded_experiments
from leyden.config.references import resolve
from leyden.data import Batch
from leyden.run.directory import RunDirectory
from leyden.run.worker import Worker
from leyden.tasks import Classification

ROOT = Path.cwd()


def configuration(*words):
    return resolve(compose([*words, "trainer=cpu"], ROOT).frozen, ROOT)


@pytest.fixture(scope="module")
def digits():
    return first_step(configuration("vision/digits"))


def test_gradients_and_change_are_those_of_the_step(digits):
    config = configuration("vision/digits")
    seed_everything(config["seed"], verbose=False)
    model = build(config["model"], digits.data.provided()).train()
    model.log_training = lambda **_: None
    torch.set_rng_state(digits.random[0])  # of dropout
    model.training_step(digits.batch, 0).backward()
    layers = {layer.name: layer for layer in digits.calls.layers(digits.squares)}
    for name, module in model.network.named_modules():
        if own := list(module.parameters(recurse=False)):
            norm = math.sqrt(sum(float(one.grad.norm()) ** 2 for one in own))
            assert math.sqrt(layers[name].gradient) == pytest.approx(norm, rel=1e-4)
            new = digits.task.network.get_submodule(name).parameters()
            change = math.sqrt(sum(float((one - old).detach().norm()) ** 2 for one, old in zip(new, own, strict=True)))
            assert math.sqrt(layers[name].change) == pytest.approx(change, rel=1e-4)


def test_the_loss_after_the_step_is_that_of_the_same_batch(digits):
    torch.set_rng_state(digits.random[0])
    logits = digits.task.train()(digits.batch.inputs)
    assert float(cross_entropy(logits, digits.batch.targets).detach()) == pytest.approx(digits.loss_after, rel=1e-4)
    assert digits.loss_after < digits.loss


class Manual(Classification):
    """A task of a project that steps its optimizer itself."""

    def __init__(self, class_names, **task):
        super().__init__(class_names=class_names, **task)
        self.automatic_optimization = False

    def training_step(self, batch, batch_idx):
        optimizer = self.optimizers()
        loss = cross_entropy(self(batch.inputs), batch.targets)
        self.manual_backward(loss)
        optimizer.step()


def test_a_task_of_a_project_has_a_tour_without_its_loss_by_hand(digits):
    config = configuration("vision/digits")
    config["model"] = {**config["model"], "_target_": f"{__name__}.Manual"}
    step = first_step(config)
    made, text, _ = shown(step, draws=False)
    assert "cannot recompute the loss of Manual" in text
    assert made[3].lines["by the task"] == f"{step.loss:.6f}"
    assert step.loss == pytest.approx(digits.loss)
    assert [layer.gradient for layer in step.calls.layers(step.squares)] == pytest.approx(
        [layer.gradient for layer in digits.calls.layers(digits.squares)], rel=1e-4
    )


@pytest.mark.slow
def test_the_step_is_the_first_one_of_the_run(digits, tmp_path):
    config = configuration(
        "vision/digits", f"runs={tmp_path}", "trainer.limit_train_batches=1", "trainer.log_every_n_steps=1"
    )
    config["trainer"] |= {"max_epochs": 1, "limit_val_batches": 1, "limit_test_batches": 1}
    run = RunDirectory.create(config, ROOT, ["pytest"])
    Worker(run, trains=True).fit()
    with (run.path / "metrics.csv").open(encoding="utf-8") as file:
        losses = [float(row["train/loss"]) for row in csv.DictReader(file) if row["train/loss"]]
    assert losses[0] == pytest.approx(digits.loss, rel=1e-6)


def shown(step, draws=True, width=100):
    """The sections, what a terminal shows, and the page."""
    made = sections(step, draws)
    output = io.StringIO()
    show(heading(step), made, Console(file=output, width=width))
    return made, output.getvalue(), page(heading(step), made)


def contents(folder):
    return set(folder.rglob("*")) if folder.is_dir() else set()


@pytest.mark.parametrize(
    "experiment", [pytest.param(name, marks=pytest.mark.slow) for name in embedded_experiments(ROOT)]
)
def test_every_embedded_experiment_has_a_tour(experiment):
    before = contents(ROOT / "runs"), contents(ROOT / "data")
    step = first_step(configuration(experiment))
    made, text, html = shown(step)
    assert (contents(ROOT / "runs"), contents(ROOT / "data")) == before
    assert [section.title[0] for section in made] == list("123456")
    assert float(made[3].lines["difference"]) < 1e-4 * max(1, step.loss)
    assert sum(layer.params for layer in step.calls.layers(step.squares)) == sum(
        p.numel() for p in step.task.parameters()
    )
    assert "default-src 'none'" in html
    for outside in ("http:", "https:", 'src="/', "url(", "<script src"):
        assert outside not in re.sub(r"<span.*?</span>", "", html)
    assert "data:image/" in html or 'class="tokens"' in html
    assert all(section.sentence in html and section.title in text for section in made)
    assert max(map(len, text.splitlines())) <= 100


def test_a_page_has_no_outside_address_and_holds_an_image(digits):
    _, text, html = shown(digits, width=80)
    assert html.count("<img") == 1
    assert not re.search(r"(?:src|href)=\"(?!data:|#)|https?:|url\(", html)
    assert "prefers-color-scheme: dark" in html
    assert max(map(len, text.splitlines())) <= 80
    assert "from package scikit-learn" in text


def test_a_page_escapes_what_it_shows():
    section = Section("1 < 2", "&", {"<b>": "<i>"}, Table(["<"], [["</td>"]]), ["<p>"], [("<", [("</span>", True)])])
    html = page(("<t>", "<s>"), [section])
    assert not re.search(r"<t>|<s>|<b>&lt;b|<i>|</td></td>|<p><p>|</span></span>", html)


def test_files_of_the_batch_are_counted_and_no_cache_is_written(tmp_path):
    for split, number in (("train", 12), ("val", 4), ("test", 4)):
        for place in range(number):
            path = tmp_path / "images" / split / "ab"[place % 2] / f"{place}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (9, 9), (place, 0, 0)).save(path)
    words = [
        f"data.root={tmp_path / 'images'}",
        "data=vision/files",
        "data.batch_size=5",
        f"data.cache={tmp_path / 'cache'}",
    ]
    step = first_step(configuration("vision/digits", *words))
    made, _, _ = shown(step)
    assert len(step.files) == 5
    assert (
        made[0].lines["origin"].startswith(f"5 files of {sum(path.stat().st_size for path in step.files)} bytes, read")
    )
    assert not (tmp_path / "cache").exists()


def test_tokens_that_the_transform_replaced_are_marked():
    class Tokenizer:
        vocabulary = ["[PAD]", "[UNK]", "tea"]

    class Data:
        tokenizer, class_names = Tokenizer(), ["no", "yes"]

    before = Batch(torch.tensor([[2, 2, 0]]), torch.tensor([1]), torch.tensor([2]))
    after = before._replace(inputs=torch.tensor([[2, 1, 0]]))
    assert texts(Data(), before, after) == [("yes", [("tea", False), ("[UNK]", True)])]
