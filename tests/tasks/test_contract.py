"""What every network must do with the data of its domain; found in configs/, so that a new one is tested at once.

Each `configs/model/<folder>/<name>.yaml` is put into every embedded experiment whose own model is of the same folder,
such as that of a domain or of its videos, and of the same task.
"""

from functools import cache
from pathlib import Path

import pytest
import torch
from lightning.pytorch.plugins import DoublePrecision

from leyden.config.build import build
from leyden.config.compose import compose, options
from leyden.config.embedded import embedded_experiments

ROOT = Path.cwd()
ROWS = 6
# Settings of torchvision's detectors that leave no box out.
EVERYTHING = {
    "_pre_nms_top_n": {"testing": 10**6},
    "_post_nms_top_n": {"testing": 10**6},
    "topk_candidates": 10**6,
    "detections_per_img": 10**6,
    "nms_thresh": 1.0,
    "score_thresh": 0.0,
}


@cache
def target(option, group="model"):
    """The class that a model's YAML names, directly or through its defaults."""
    return compose([f"{group}={option}"], ROOT).config["model"].get("_target_")


def folder(experiment):
    """Where in configs/model/ the experiment's own model is."""
    group = ROOT / "configs" / "model"
    files = [path.parent for path, key in compose([f"experiment={experiment}"], ROOT).files if key == "model"]
    (found,) = {path.relative_to(group) for path in files if path.is_relative_to(group)} - {Path()}
    return found


def pairs():
    groups = options(ROOT)
    embedded = [(name, folder(name)) for name in embedded_experiments(ROOT)]
    for model, _ in groups["model"]:
        text = (ROOT / "configs" / "model" / f"{model}.yaml").read_text()
        for experiment, place in [] if "pretrained: true" in text else embedded:  # weights that are downloaded
            if Path(model).parent == place and target(model) == target(experiment, "experiment"):
                yield experiment, model


@cache
def prepared(experiment, *settings):
    data = build(compose([f"experiment={experiment}", *settings], ROOT).config["data"], {})
    data.setup("fit")
    return data


@pytest.fixture(params=pairs(), ids=" ".join)
def parts(request):
    """A data module, a model without dropout and a function that gives rows as the model receives them."""
    experiment, model = request.param
    config = compose([f"experiment={experiment}", f"model={model}"], ROOT).config
    is_for_colour = "in_channels" in config["data"] and config["model"]["network"]["_target_"].startswith(
        "torchvision."
    )
    data = prepared(experiment, *(["data.in_channels=3"] if is_for_colour else []))
    one = build(config["model"], data.published())
    one.log = one.log_dict = one.log_training = lambda *_, **__: None
    if hasattr(one, "generation"):
        one.generation.temperature = 0.0  # drawn tokens tell rounding errors apart, the likeliest ones do not
    for module in one.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    transform = data.batch_transform("test")
    return one, lambda numbers: transform(data.rows["train"].__getitems__(numbers))


def step(model, batch):
    torch.manual_seed(0)  # whatever is random in training is the same each time
    return model.training_step(batch, 0)


def keep_all_boxes(model):
    """Those of a fresh detector score alike: rounding, which depends on the processor and on the size of the batch,
    would choose among them."""
    for module in model.modules():
        for name in EVERYTHING.keys() & vars(module).keys():
            setattr(module, name, EVERYTHING[name])


def sorted_boxes(found):
    """Rows of label, score and box, those of one score in an order of their own."""
    table = torch.column_stack([found["labels"], found["scores"], found["boxes"]])
    return torch.tensor(sorted(table.round(decimals=9).tolist()))


def test_one_batch_is_learnt_by_heart(parts):
    model, rows = parts
    batch = rows(list(range(ROWS)))
    # A detector proposes other boxes at each step, of which it has to learn.
    enough = 0.6 if model.monitor == "val/map_50" else 0.25
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    losses = []
    for _ in range(60):
        loss = step(model, batch)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
        if losses[-1] < enough * losses[0]:
            return
    pytest.fail(f"the loss went from {losses[0]:.3f} to {losses[-1]:.3f}")


def test_gradient_reaches_every_parameter(parts):
    model, rows = parts
    for start in range(0, 4 * ROWS, ROWS):  # a ReLU may be silent for some rows
        step(model, rows(list(range(start, start + ROWS)))).backward()
    silent = [
        name for name, one in model.named_parameters() if one.requires_grad and (one.grad is None or not one.grad.any())
    ]
    assert not silent


def test_trains_in_float64(parts):
    model, rows = parts
    precision = DoublePrecision()
    batch = rows(list(range(ROWS)))  # float32: transforms know no precision
    with precision.forward_context():
        step(precision.convert_module(model), batch).backward()
    assert all(one.grad.dtype is torch.float64 for one in model.parameters() if one.grad is not None)


def test_rows_do_not_mix(parts):
    model, rows = parts
    for start in range(0, 4 * ROWS, ROWS):  # running means other than 0
        step(model, rows(list(range(start, start + ROWS))))
    model.eval()
    finds_boxes = model.monitor == "val/map_50"
    if finds_boxes:
        keep_all_boxes(model)

    def predict(numbers):
        predictions = model.predict_step(rows(numbers), 0)
        return [sorted_boxes(found) for found in predictions] if finds_boxes else predictions

    precision = DoublePrecision()
    precision.convert_module(model)
    with torch.no_grad(), precision.forward_context():
        together = predict(list(range(ROWS)))
        alone = [predict([number])[0] for number in range(ROWS)]
    for row in range(ROWS):
        torch.testing.assert_close(together[row], alone[row], atol=1e-5, rtol=1e-4)
