from pathlib import Path

import pytest

from leyden.config.compose import options
from leyden.config.embedded import embedded_experiments
from leyden.testing.pretrained import skip_pretrained
from leyden.testing.project import composed, configuration, embedded, experiments, pairs, target
from leyden.testing.small import small

ROOT = Path.cwd()


def test_every_network_is_paired_and_every_own_model_first():
    found = pairs(ROOT)
    networks = {model for model, _ in options(ROOT)["model"] if "/" in model}
    assert {pair.model for pair in found} == networks
    assert len(set(map(str, found))) == len(found)
    assert {pair.experiment for pair in found if pair.is_own} >= set(embedded(ROOT))


def test_pairs_have_one_task():
    for pair in pairs(ROOT):
        own = composed(ROOT, f"experiment={pair.experiment}")
        assert target(pair.composed(ROOT).config, "model") == target(own.config, "model")


def test_embedded_experiments_are_those_that_the_source_declares():
    assert embedded(ROOT) == embedded_experiments(ROOT)


@pytest.mark.parametrize("name", experiments(ROOT))
def test_a_small_experiment_has_two_small_steps_and_no_logger(name, tmp_path):
    config = small(configuration(ROOT, name), tmp_path)
    assert config["trainer"]["max_steps"] == 2
    assert config["data"]["batch_size"] <= 8
    assert config["data"]["num_workers"] == 0
    assert config["logger"] == {}
    assert configuration(ROOT, name)["trainer"].get("max_steps") is None


@pytest.mark.parametrize(
    ("model", "key"),
    [
        ({"network": {"pretrained": True}}, "model.network.pretrained=True"),
        ({"network": {"builders": [{"weights": "DEFAULT"}]}}, "model.network.builders.weights=DEFAULT"),
        ({"weights": "COCO_V1"}, "model.weights=COCO_V1"),
    ],
)
def test_pretrained_weights_are_not_downloaded(model, key):
    with pytest.raises(pytest.skip.Exception, match=key):
        skip_pretrained(model, "toy")


def test_other_weights_are_no_reason(tmp_path):
    file = tmp_path / "weights.pt"
    file.touch()
    skip_pretrained(
        {"network": {"weights": None, "pretrained": False}, "weights": str(file), "class_weights": "balanced"}, "toy"
    )
