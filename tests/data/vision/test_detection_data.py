import pytest
import torch
from matplotlib.figure import Figure
from PIL import Image
from torchvision.io import write_png

from leyden.data.vision import DigitsDetection, RandomBoxAffine
from leyden.data.vision.box_drawing import PREDICTED_COLOR, TARGET_COLOR
from leyden.data.vision.boxes import boxes_of_image

PREDICTION = {
    "boxes": torch.tensor([[16.0, 8, 32, 24], [0, 0, 4, 4]]),
    "labels": torch.tensor([4, 1]),
    "scores": torch.tensor([0.75, 0.1]),
}


def digits(**options):
    data = DigitsDetection(**{"num_train": 12, "num_test": 4, "batch_size": 4, **options})
    data.setup("fit")
    data.setup("test")
    return data


def test_digits_are_published_with_the_background():
    data = digits()
    names = [str(n) for n in range(10)]
    assert data.provided() == {"num_classes": 11, "class_names": names, "image_size": (64, 64)}
    targets = data.samples["test"].targets
    assert {int(label) for boxes in targets for label in boxes.labels} <= set(range(1, 11))


def test_pixels_are_floats_of_three_channels_and_not_normalised():
    data = digits(augment=[RandomBoxAffine(shift=0.3)])
    batch = data.samples["test"].__getitems__([0, 1])
    transformed = data.batch_transform("test")(batch)
    assert transformed.inputs.shape == (2, 3, 64, 64)
    assert transformed.inputs[:, 1:2].mul(255).round().equal(batch.inputs.float())
    assert transformed.targets.corners.equal(batch.targets.corners)
    assert not data.batch_transform("train")(batch).inputs.equal(transformed.inputs)


def test_records_are_boxes_in_the_pixels_of_the_file(tmp_path):
    write_png(torch.zeros(1, 32, 128, dtype=torch.uint8), str(tmp_path / "wide.png"))
    data = digits()
    samples, names = data.read([tmp_path])
    assert names == [str(tmp_path / "wide.png")]
    assert samples.__getitems__([0]).inputs.shape == (1, 3, 64, 64)
    place = {"left": 32.0, "top": 4.0, "right": 64.0, "bottom": 12.0}  # 128 x 32 pixels were resized to 64 x 64
    assert data.records(samples, 0, PREDICTION) == [{"class": "3", "score": 0.75} | place]
    assert data.records(samples, 0, {name: values[:0] for name, values in PREDICTION.items()}) == []


@pytest.mark.parametrize("mode", ["L", "RGBA", "I;16", "P"])
def test_images_of_every_kind_are_read(tmp_path, mode):
    Image.new(mode, (10, 10), 0).save(tmp_path / "a.png")
    data = digits()
    assert data.read([tmp_path])[0].__getitems__([0]).inputs.dtype is torch.uint8


def test_true_and_predicted_boxes_are_drawn_with_class_and_score():
    data = digits()
    axes = Figure().subplots()
    batch = data.batch_transform("test")(data.samples["test"].__getitems__([0]))
    inputs, target = batch.sample(0)
    data.draw_prediction(axes, inputs, target, PREDICTION)
    assert len(axes.images) == 1
    assert len(axes.patches) == len(target.labels) + 1  # the second box is below min_score
    texts = {text.get_text(): text.get_color() for text in axes.texts}
    assert texts["3 0.75"] == PREDICTED_COLOR
    assert [text for text, color in texts.items() if color == TARGET_COLOR] == list(
        dict.fromkeys(str(int(label) - 1) for label in target.labels)
    )
    left, top = axes.patches[-1].get_xy()
    assert (left, top, axes.patches[-1].get_width()) == (15.5, 7.5, 16)


def test_a_prediction_is_described_by_the_classes_of_its_boxes():
    data = digits()
    target = boxes_of_image(torch.zeros(3, 4), torch.tensor([8, 2, 8]))
    described = data.describe_prediction(None, target, PREDICTION)
    assert described == {"true": "1, 7 (2)", "predicted": "3"}  # the second has a low score
    nothing = {name: values[:0] for name, values in PREDICTION.items()}
    assert data.describe_prediction(None, target, nothing)["predicted"] == "none"
