"""Run directories as a training leaves them, without one."""

import json

import yaml


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
