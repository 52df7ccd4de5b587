"""The three layouts, written with the same two cats and one dog, and common errors of real annotations."""

import json
import logging
import re

import pytest
import torch
from PIL import Image
from torchvision.io import write_jpeg, write_png

from leyden.data import DataError
from leyden.data.vision import DetectionFiles

HEIGHT, WIDTH = 20, 40
CAT, DOG = [0, 0, 10, 10], [20, 5, 40, 20]  # left, top, right, bottom
SPLITS = {
    "train": {"one 1": [("cat", CAT), ("dog", DOG)], "two": [("cat", CAT)]},
    "val": {"three": []},
    "test": {"four": [("dog", DOG)]},
}


def image(path, size=(HEIGHT, WIDTH)):
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = torch.randint(0, 255, (3, *size), dtype=torch.uint8)
    (write_png if path.suffix == ".png" else write_jpeg)(pixels, str(path))


def text(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)


def voc(root, splits=SPLITS, size=(HEIGHT, WIDTH), difficult=()):
    folder = root / "VOCdevkit" / "VOC2007"
    for split, images in splits.items():
        text(folder / f"ImageSets/Main/{split}.txt", "\r\n".join(images) + "\r\n\r\n")
        for name, objects in images.items():
            image(folder / f"JPEGImages/{name}.jpg")
            found = "".join(
                f"<object><name>{label}</name><difficult>{int(label in difficult)}</difficult><bndbox><xmin>{left + 1}"
                f"</xmin><ymin>{top + 1}</ymin><xmax>{right}</xmax><ymax>{bottom}</ymax></bndbox></object>"
                for label, (left, top, right, bottom) in objects
            )
            sizes = f"<size><width>{size[1]}</width><height>{size[0]}</height></size>"
            text(folder / f"Annotations/{name}.xml", f"<annotation>{sizes}{found}</annotation>")


def coco(root, splits=SPLITS, crowd=()):
    for split, images in splits.items():
        annotations = [
            {
                "image_id": name,
                "category_id": {"cat": 3, "dog": 7}[label],
                "bbox": [a, b, c - a, d - b],
                "iscrowd": int(label in crowd),
            }
            for name, objects in images.items()
            for label, (a, b, c, d) in objects
        ]
        for name in images:
            image(root / split / f"{name}.jpg")
        entries = [{"id": name, "file_name": f"{name}.jpg", "height": HEIGHT, "width": WIDTH} for name in images]
        categories = [{"id": 7, "name": "dog"}, {"id": 3, "name": "cat"}]
        content = {"images": entries, "annotations": annotations, "categories": categories}
        text(root / f"annotations/instances_{split}.json", json.dumps(content))


def yolo(root, splits=SPLITS, names="names: [cat, dog]"):
    text(root / "data.yaml", names)
    for split, images in splits.items():
        (root / "labels" / split).mkdir(parents=True)
        for name, objects in images.items():
            image(root / f"images/{split}/{name}.png")
            lines = [
                f"{['cat', 'dog'].index(label)} {(a + c) / 2 / WIDTH} {(b + d) / 2 / HEIGHT} "
                f"{(c - a) / WIDTH} {(d - b) / HEIGHT}"
                for label, (a, b, c, d) in objects
            ]
            if lines:
                text(root / f"labels/{split}/{name}.txt", "\n".join(lines) + "\n\n")


WRITE = {"voc": voc, "coco": coco, "yolo": yolo}


def data(root, layout, **options):
    return DetectionFiles(root=str(root), layout=layout, **{"image_size": [40, 40], "batch_size": 2, **options})


def prepared(root, layout, **options):
    one = data(root, layout, **options)
    one.setup("fit")
    one.setup("test")
    return one


@pytest.mark.parametrize("memory", [4.0, 0.0], ids=["memory", "files"])
@pytest.mark.parametrize("layout", WRITE)
def test_a_layout_is_read(tmp_path, layout, memory):
    WRITE[layout](tmp_path)
    one = prepared(tmp_path, layout, memory_gb=memory)
    assert one.provided() == {"num_classes": 3, "class_names": ["cat", "dog"], "image_size": [40, 40]}
    assert [len(one.samples[name]) for name in ("train", "validation", "test")] == [2, 1, 1]
    batch = one.samples["train"].__getitems__([0, 1])
    assert batch.inputs.shape == (2, 3, 40, 40)
    assert batch.inputs.dtype is torch.uint8
    assert batch.targets.counts.tolist() == [2, 1]
    assert batch.targets.labels.tolist() == [1, 2, 1]
    # 20 x 40 pixels become 40 x 40: only the vertical coordinates double.
    expected = [[0, 0, 10, 20], [20, 10, 40, 40], [0, 0, 10, 20]]
    assert torch.allclose(batch.targets.corners, torch.tensor(expected).float(), atol=1e-4)
    assert one.samples["validation"].__getitems__([0]).targets.counts.tolist() == [0]
    assert one.samples["test"].__getitems__([0]).targets.labels.tolist() == [2]
    assert one.samples["test"].sizes == [(HEIGHT, WIDTH)]


@pytest.mark.parametrize("layout", WRITE)
def test_a_part_of_training_stands_in_for_a_validation_split(tmp_path, layout):
    WRITE[layout](tmp_path, {"train": {str(n): [("cat", CAT), ("dog", DOG)] for n in range(4)}, "test": SPLITS["test"]})
    with pytest.raises(DataError, match=r"no split 'held out'.*data\.validation \(null"):
        data(tmp_path, layout, validation="held out").setup("fit")
    assert prepared(tmp_path, layout, validation_fraction=0.25).account["samples"]["validation"] == 1
    one = prepared(tmp_path, layout, validation=None, validation_fraction=0.25)
    assert [len(one.samples[name]) for name in ("train", "validation")] == [3, 1]
    batch = one.samples["train"].dataset.__getitems__(one.samples["train"].indices)
    assert batch.targets.counts.tolist() == [2, 2, 2]


@pytest.mark.parametrize("layout", WRITE)
@pytest.mark.parametrize("name", ["valid", "Validation"])
def test_other_names_of_a_split_are_found_and_a_missing_test_is_reported(tmp_path, layout, name, log):
    WRITE[layout](tmp_path, {"train": SPLITS["train"], name: SPLITS["val"]})
    one = data(tmp_path, layout)
    one.setup("fit")
    assert {split: len(samples) for split, samples in one.samples.items()} == {"train": 2, "validation": 1}
    assert f"train 2 (train), validation 1 ({name}), test 0" in log.text
    with pytest.raises(DataError, match=r"there is no test split.*set data\.test to the name of a split in"):
        one.setup("test")
    with pytest.raises(DataError, match="there is no split 'final'"):
        data(tmp_path, layout, test="final").setup("fit")


@pytest.mark.parametrize("layout", WRITE)
def test_images_of_one_source_are_in_one_split(tmp_path, layout):
    WRITE[layout](tmp_path, {"train": {f"film{n // 2} {n}": [("cat", CAT)] for n in range(8)}})
    one = data(tmp_path, layout, group=r"film(\d)", validation_fraction=0.25)
    one.setup("fit")
    assert [len(one.samples[split]) for split in ("train", "validation")] == [6, 2]
    assert len({number // 2 for number in one.samples["validation"].indices}) == 1


@pytest.mark.parametrize("layout", WRITE)
def test_bad_boxes_are_mended_and_counted_or_refused(tmp_path, layout, caplog):
    empty, outside, crossing = [5, 5, 5, 9], [50, 2, 60, 9], [-6, -4, 10, 10]
    objects = [("cat", empty), ("dog", outside), ("cat", crossing), ("dog", DOG)]
    WRITE[layout](tmp_path, {**SPLITS, "train": {"one": objects, "two": []}})
    with caplog.at_level(logging.WARNING):
        one = prepared(tmp_path, layout)
    assert (
        "train: 2 images, 2 boxes; 2 without area, removed; 1 clipped to the image; 1 images without boxes"
        in caplog.text
    )
    targets = one.samples["train"].__getitems__([0]).targets
    assert targets.labels.tolist() == [1, 2]
    assert targets.corners[0].tolist() == pytest.approx([0, 0, 10, 20])
    with pytest.raises(DataError, match=r"one\.\w+ is 40 x 20 pixels and has the box"):
        data(tmp_path, layout, on_bad_box="raise").setup("fit")


def test_difficult_and_crowd_objects_are_marked_and_counted(tmp_path, caplog):
    voc(tmp_path / "voc", difficult=["dog"])
    coco(tmp_path / "coco", crowd=["dog"])
    for layout in ("voc", "coco"):
        with caplog.at_level(logging.WARNING):
            one = prepared(tmp_path / layout, layout)
        assert one.samples["train"].__getitems__([0, 1]).targets.ignored.tolist() == [False, True, False]
        assert "train: 2 images, 3 boxes; 1 ignored (difficult or crowd)" in caplog.text


def test_a_class_in_test_only(tmp_path, caplog):
    splits = {**SPLITS, "train": {"one": [("cat", CAT)]}}
    voc(tmp_path / "voc", splits)
    with pytest.raises(DataError, match=r"unknown labels in the test split: \['dog'\]"):
        prepared(tmp_path / "voc", "voc")
    coco(tmp_path / "coco", splits)  # this layout declares its classes
    with caplog.at_level(logging.WARNING):
        prepared(tmp_path / "coco", "coco")
    assert "train: 1 images, 1 boxes; no box of dog" in caplog.text


def test_yolo_without_class_names_in_yaml(tmp_path):
    yolo(tmp_path, names="path: here")
    with pytest.raises(DataError, match=r"or classes\.txt"):
        data(tmp_path, "yolo").setup("fit")
    text(tmp_path / "classes.txt", "cat\r\ndog\r\n")
    assert prepared(tmp_path, "yolo").class_names == ["cat", "dog"]
    text(tmp_path / "data.yaml", "names: {0: Katze, 1: Hund}")
    assert prepared(tmp_path, "yolo").class_names == ["Katze", "Hund"]
    text(tmp_path / "data.yaml", "names: {1: Katze, 2: Hund}")
    with pytest.raises(DataError, match=r"class indices in .* are \[1, 2\]; expected 0 to 1"):
        data(tmp_path, "yolo").setup("fit")


@pytest.mark.parametrize(
    "line", ["2 0.5 0.5 0.1 0.1", "-1 0.5 0.5 0.1 0.1", "0 0.5 0.5 0.1", "0 .1 .1 .2 .1 .2 .2", "cat 0.5 0.5 0.1 0.1"]
)
def test_a_bad_line_of_yolo_is_named(tmp_path, line):
    yolo(tmp_path)
    text(tmp_path / "labels/train/two.txt", f"\n{line}\n")
    with pytest.raises(DataError, match=r"two\.txt:2: .* a class from 0 to 1"):
        data(tmp_path, "yolo").setup("fit")


def test_labels_without_an_image_are_refused(tmp_path):
    yolo(tmp_path)
    text(tmp_path / "labels/train/lost.txt", "0 0.5 0.5 0.1 0.1\n")
    with pytest.raises(DataError, match=r"have no image in .*, such as .*lost\.txt"):
        data(tmp_path, "yolo").setup("fit")


@pytest.mark.parametrize("layout", WRITE)
def test_what_is_missing_is_named(tmp_path, layout):
    with pytest.raises(DataError, match="there is no folder"):
        data(tmp_path / "nowhere", layout).setup("fit")
    WRITE[layout](tmp_path)
    with pytest.raises(DataError, match=r"there is no split 'exercise'.*found: .*train"):
        data(tmp_path, layout, train="exercise").setup("fit")
    if layout == "yolo":
        return  # images without annotations are found
    next(tmp_path.rglob("one 1.jpg")).unlink()
    with pytest.raises(DataError, match=r"'one 1"):
        data(tmp_path, layout).setup("fit")


def test_broken_annotations_are_named(tmp_path):
    voc(tmp_path / "voc")
    text(next((tmp_path / "voc").rglob("two.xml")), "<annotation><object>")
    with pytest.raises(DataError, match=r"two\.xml is not a VOC annotation"):
        data(tmp_path / "voc", "voc").setup("fit")
    coco(tmp_path / "coco")
    text(tmp_path / "coco/annotations/instances_train.json", '{"images": []}')
    with pytest.raises(DataError, match=r"instances_train\.json is not a COCO annotation: KeyError: 'categories'"):
        data(tmp_path / "coco", "coco").setup("fit")


@pytest.mark.parametrize("box", [[], [1, 2], [1, 2, 3, 4, 5]])
def test_a_box_of_coco_that_is_none_is_named(tmp_path, box):
    coco(tmp_path)
    path = tmp_path / "annotations/instances_train.json"
    content = json.loads(path.read_text())
    content["annotations"][0] |= {"bbox": box, "id": 12}
    text(path, json.dumps(content))
    with pytest.raises(DataError, match=r"annotation 12 of .* has the bbox .*expected \[left, top, width, height\]"):
        data(tmp_path, "coco").setup("fit")


@pytest.mark.parametrize(
    ("layout", "place"),
    [("voc", "Annotations/two.xml"), ("coco", "annotations/instances_train.json"), ("yolo", "data.yaml")],
)
def test_annotations_that_are_no_utf_8_or_none_at_all_are_named(tmp_path, layout, place):
    WRITE[layout](tmp_path)
    path = next(file for file in tmp_path.rglob(place.rpartition("/")[2]))
    for content in (b"gr\xf6\xdfe", b"\x00", b"names: ["):
        path.write_bytes(content)
        with pytest.raises(DataError, match=re.escape(path.name)):
            data(tmp_path, layout).setup("fit")


def test_an_annotation_of_another_size_is_refused(tmp_path):
    voc(tmp_path, size=(WIDTH, HEIGHT))
    with pytest.raises(
        DataError, match=r"is 40 x 20 pixels \(after EXIF rotation\), but its annotation is for 20 x 40"
    ):
        data(tmp_path, "voc").setup("fit")


def test_an_image_is_rotated_by_its_exif_entry(tmp_path):
    voc(tmp_path, size=(WIDTH, HEIGHT), splits={name: {name: [("cat", [0, 0, 10, 10])]} for name in SPLITS})
    for path in tmp_path.rglob("*.jpg"):
        image, exif = Image.new("RGB", (WIDTH, HEIGHT)), Image.Exif()
        image.paste((255, 255, 255), (0, 0, WIDTH, 2))  # the top, which a quarter turn moves to the right
        exif[274] = 6
        image.save(path, exif=exif)
    one = prepared(tmp_path, "voc", image_size=[WIDTH, HEIGHT])
    pixels = one.samples["train"].__getitems__([0]).inputs[0, 0]
    assert pixels.shape == (WIDTH, HEIGHT)
    assert pixels[:, -1].float().mean() > 200
    assert pixels[:, 0].float().mean() < 50


@pytest.mark.parametrize("length", [0, 10, 100, 700])
@pytest.mark.parametrize("memory", [4.0, 0.0], ids=["memory", "files"])
@pytest.mark.parametrize("layout", WRITE)
def test_a_corrupt_image_is_named_or_skipped_with_its_boxes(tmp_path, layout, memory, length):
    WRITE[layout](tmp_path)
    broken = next(tmp_path.rglob("one 1.*g"))
    broken.write_bytes(broken.read_bytes()[:length])
    with pytest.raises(DataError, match=r"cannot read .*one 1\."):
        list(prepared(tmp_path, layout, memory_gb=memory).train_dataloader())
    one = prepared(tmp_path, layout, memory_gb=memory, on_corrupt="skip")
    (batch,) = one.train_dataloader()
    assert len(batch.inputs) == 1
    assert batch.targets.labels.tolist() == [1]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"layout": "pascal"}, "layout is pascal"),
        ({"memory_gb": -1.0}, "memory_gb is -1"),
        ({"image_size": [40]}, r"image_size is \[40\]"),
        ({"min_score": 2.0}, r"min_score is 2\.0"),
    ],
)
def test_arguments_out_of_range(tmp_path, options, message):
    with pytest.raises(ValueError, match=message):
        DetectionFiles(**{"root": str(tmp_path), "layout": "voc", **options})


@pytest.mark.parametrize(
    ("way", "boxes"),
    [
        ("squash", [[0, 0, 10, 20], [20, 10, 40, 40]]),
        ("pad", [[0, 10, 10, 20], [20, 15, 40, 30]]),
        ("crop", [[20, 10, 40, 40]]),  # the middle 20 x 20 pixels, which contain half of the dog and no cat
    ],
)
def test_boxes_go_where_resizing_brings_their_pixels(tmp_path, caplog, way, boxes):
    caplog.set_level(logging.WARNING, logger="leyden.data")
    voc(tmp_path)
    one = prepared(tmp_path, "voc", image_size=40, resize=way)
    assert one.provided()["image_size"] == [40, 40]
    corners = one.samples["train"].targets[0].corners
    assert corners.tolist() == boxes
    message = "removed by data.resize=crop"
    assert (f"2 {message}" in caplog.text) == (way == "crop")
    # Predictions are written in pixels of the file.
    found = {"boxes": corners[-1:], "labels": torch.tensor([2]), "scores": torch.tensor([0.9])}
    (record,) = one.records(one.samples["train"], 0, found)
    expected = [20.0, 5.0, 30.0 if way == "crop" else 40.0, 20.0]
    assert [record[side] for side in ("left", "top", "right", "bottom")] == expected


def unlisted(root, place):
    """VOC XML files without ImageSets; `place` maps split and kind to their folder."""
    for split, images in SPLITS.items():
        for name, objects in images.items():
            voc(root / "made", {split: {name: objects}})
            made = root / "made/VOCdevkit/VOC2007"
            for kind, suffix in (("JPEGImages", "jpg"), ("Annotations", "xml")):
                target = root / "voc" / place.format(split=split, kind=kind) / f"{name}.{suffix}"
                target.parent.mkdir(parents=True, exist_ok=True)
                (made / kind / f"{name}.{suffix}").rename(target)
    return root / "voc"


@pytest.mark.parametrize("place", ["{split}", "{split}/{kind}"])
def test_annotations_of_voc_in_folders_of_splits(tmp_path, place):
    one = prepared(unlisted(tmp_path, place), "voc")
    assert {split: len(samples) for split, samples in one.samples.items()} == {"train": 2, "validation": 1, "test": 1}
    assert one.class_names == ["cat", "dog"]
    assert one.samples["train"].targets[0].corners.tolist() == [[0, 0, 10, 20], [20, 10, 40, 40]]


def test_annotations_of_voc_without_splits(tmp_path):
    root = unlisted(tmp_path, "{kind}")
    found = data(root, "voc", test="four", validation=None)
    assert [path.stem for path in found.sources("test")] == ["four"]
    assert [path.stem for path in found.sources("train")] == ["one 1", "three", "two"]
    found = data(root, "voc", test_fraction=0.25)
    assert (len(found.sources("train")), len(found.sources("test"))) == (3, 1)
    (root / "JPEGImages" / "two.jpg").unlink()
    with pytest.raises(DataError, match=r"expected one image for .*two\.xml, got: none"):
        data(root, "voc").sources("train")
