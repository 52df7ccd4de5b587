from pathlib import Path
from xml.etree import ElementTree

from ..core.error import DataError
from ..files.user_text import utf8_text
from .boxed_image import BoxedImage, BoxedImages, file_size, split_names


def read_voc(root: Path, split: str) -> BoxedImages:
    """Boxes as Pascal VOC lays them out: ImageSets/Main/<split>.txt, Annotations/*.xml, JPEGImages/.

    Corners are whole numbers that count pixels from 1 and include the last one. Classes are those that appear.

    Source: Everingham et al., The PASCAL Visual Object Classes Challenge, IJCV 2010,
    https://doi.org/10.1007/s11263-009-0275-4.

    Raises:
        DataError: a file is missing or not what it should be.
    """
    folder = _folder(root)
    lists = {path.stem: path for path in sorted(folder.glob("ImageSets/Main/*.txt"))}
    if split not in lists:
        raise split_names(list(lists), split, str(folder / "ImageSets/Main"))
    files = {path.stem: path for path in sorted(folder.glob("JPEGImages/*")) if path.is_file()}
    images = []
    for name in filter(None, map(str.strip, utf8_text(lists[split]).splitlines())):
        annotation = folder / "Annotations" / f"{name}.xml"
        if name not in files:
            raise DataError(f"{lists[split]} names {name!r}, of which there is no image in {folder / 'JPEGImages'}")
        if not annotation.is_file():
            raise DataError(f"{lists[split]} names {name!r}, of which there is no {annotation}")
        images.append(read_annotation(files[name], annotation))
    return BoxedImages(images, None)


def _folder(root: Path) -> Path:
    found = [path.parent for depth in ("", "*/", "*/*/") for path in sorted(root.glob(f"{depth}ImageSets"))]
    if len(found) != 1:
        names = ", ".join(map(str, found)) or "none"
        raise DataError(f"one folder with ImageSets/ is wanted in {root.absolute()}; there are: {names}. Set data.root")
    return found[0]


def read_annotation(path: Path, annotation: Path) -> BoxedImage:
    """An image and its boxes.

    Raises:
        DataError: the annotation is none of VOC's.
    """
    try:
        tree = ElementTree.parse(annotation).getroot()
        height, width = (int(tree.findtext(f"size/{name}", "0")) for name in ("height", "width"))
        corners, labels, ignored = [], [], []
        for one in tree.iter("object"):
            box = [float(one.findtext(f"bndbox/{name}", "")) for name in ("xmin", "ymin", "xmax", "ymax")]
            has_area = box[2] > box[0] and box[3] > box[1]
            corners.append([box[0] - 1, box[1] - 1, box[2], box[3]] if has_area else box)
            labels.append(one.findtext("name", "").strip())
            ignored.append(one.findtext("difficult", "0").strip() == "1")
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise DataError(f"{annotation} is no VOC annotation: {error}") from None
    # Some tools leave the size out, or 0.
    return BoxedImage(path, file_size(path, (height, width) if height and width else None), corners, labels, ignored)
