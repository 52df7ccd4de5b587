"""Run directories as a training leaves them, without one."""

import csv
import json
from base64 import b64decode

import yaml

# A grey pixel.
PNG = b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNoAAAAggCBd81ytgAAAABJRU5ErkJggg==")


def write_run(root, name, seed, rate, accuracy, state="finished", **status):
    number = len(list((root / "runs").glob("*/*/*")))
    path = root / "runs" / name / f"20261129-1200{number:02d}-00-{number:08x}"
    (path / "checkpoints").mkdir(parents=True)
    config = {"name": name, "seed": seed, "model": {"optimizer": {"lr": rate}, "frozen": []}, "runs": "runs"}
    (path / "config.yaml").write_text(yaml.safe_dump(config, sort_keys=False))
    created = f"2026-11-29T12:00:{number:02d}.000000Z"
    (path / "status.json").write_text(
        json.dumps({"id": "a", "state": state, "created": created, "seconds": 3} | status)
    )
    if accuracy:
        results = {"checkpoints": {"best": {}}, "test": {"best": {"test/accuracy": accuracy}}}
        (path / "results.json").write_text(json.dumps(results))
        best = {
            "file": "checkpoints/best.ckpt",
            "monitor": "val/accuracy",
            "metrics": {"val/accuracy": accuracy - 0.01},
        }
        (path / "checkpoints/best.json").write_text(json.dumps(best))
    return path


def write_curves(path, epochs=3, steps=10, shift=0.0, gaps=()):
    """metrics.csv of some epochs; the validation loss of those in `gaps` is not finite."""
    rows = ["step,epoch,train/loss,val/loss,val/accuracy,train/samples_per_second"]
    for epoch in range(epochs):
        rows += [f"{epoch * steps + step},{epoch},{2 / (1 + epoch * steps + step)},,," for step in range(steps)]
        loss = "nan" if epoch in gaps else 1 / (epoch + 1) + shift
        rows.append(f"{epoch * steps + steps - 1},{epoch},,{loss},{0.5 + 0.1 * epoch + shift},")
        rows.append(f"{epoch * steps + steps - 1},{epoch},,,,{100 + epoch}")
    (path / "metrics.csv").write_text("\n".join(rows) + "\n")


def write_matrix(path, names=("cat", "dog"), counts=((8, 2), (1, 9))):
    """A confusion matrix and a figure of the test of the best checkpoint."""
    folder = path / "plots" / "best"
    folder.mkdir(parents=True)
    with (folder / "test_confusion_matrix.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["true class", *names], *([n, *c] for n, c in zip(names, counts, strict=True))])
    (folder / "test_worst.png").write_bytes(PNG)


TRIALS = [  # learning rate, network, dropout, which only the second network has, and accuracy
    (0.0001, "small", None, 0.81),
    (0.001, "large", 0.5, 0.95),
    (0.01, "large", 0.1, 0.93),
    (0.1, "small", None, 0.5),
    (0.03, "large", 0.3, None),
]


def write_study(root):
    """The folder of a search over a learning rate, a group and a setting of one of its choices, and its run directories."""
    folder = root / "study"
    paths = []
    for number, (rate, network, dropout, accuracy) in enumerate(TRIALS):
        choices = {"model.optimizer.lr": rate, "model": network} | ({"model.dropout": dropout} if dropout else {})
        state = "finished" if accuracy else "pruned"
        made = write_run(root, "vision/digits", 0, rate, accuracy, state=state, choices=choices)
        paths.append(folder / "runs" / f"abcd-{number:04d}")
        paths[-1].parent.mkdir(parents=True, exist_ok=True)
        made.rename(paths[-1])
    space = [{"name": name} for name in ("model.optimizer.lr", "model", "model.dropout")]
    study = {"experiment": "vision/digits", "kind": "search", "objectives": {"val/accuracy": "max"}, "space": space}
    (folder / "study.yaml").write_text(yaml.safe_dump(study))
    (folder / "bases.json").write_text("[]")
    (folder / "plots").mkdir()
    for name in ("history", "parallel_coordinates"):
        (folder / "plots" / f"{name}.png").write_bytes(PNG)
    return folder, paths


def write_worst(path):
    """The table of the worst samples of the test of the best checkpoint."""
    folder = path / "plots" / "best"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "test_worst_samples.csv").open("w", newline="") as file:
        rows = [
            ["sample", "file", "text", "true", "predicted", "confidence", "loss"],
            [7, "test/a.txt", "a long text " * 10, "cat", "dog", 0.99, 4.605],
            [10, "test/<b>.txt", "short", "dog", "cat", 0.9, 2.303],
            [3, "test/c.txt", "short", "dog", "cat", 0.95, 2.996],
        ]
        csv.writer(file).writerows(rows)
