from pathlib import Path
from xml.etree import ElementTree

from ..core.error import DataError
from ..files.user_text import utf8_text
from .boxed_image import BoxedImage, BoxedImages, file_size, missing_split


def read_voc(root: Path, split: str) -> BoxedImages:
    """Read boxes in the Pascal VOC layout: ImageSets/Main/<split>.txt, Annotations/*.xml, JPEGImages/.

    Corners are integers that count pixels from 1 and include the last one. The classes are the labels that occur.

    Source: Everingham et al., The PASCAL Visual Object Classes Challenge, IJCV 2010,
    https://doi.org/10.1007/s11263-009-0275-4.

    Raises:
        DataError: a file is missing or invalid.
    """
    folder = _folder(root)
    lists = {path.stem: path for path in sorted(folder.glob("ImageSets/Main/*.txt"))}
    if split not in lists:
        raise missing_split(list(lists), split, str(folder / "ImageSets/Main"))
    files = {path.stem: path for path in sorted(folder.glob("JPEGImages/*")) if path.is_file()}
    images = []
    for name in filter(None, map(str.strip, utf8_text(lists[split]).splitlines())):
        annotation = folder / "Annotations" / f"{name}.xml"
        if name not in files:
            raise DataError(f"{lists[split]} lists {name!r}, but there is no such image in {folder / 'JPEGImages'}")
        if not annotation.is_file():
            raise DataError(f"{lists[split]} lists {name!r}, but there is no {annotation}")
        images.append(read_annotation(files[name], annotation))
    return BoxedImages(images, None)


def _folder(root: Path) -> Path:
    folders = [path.parent for depth in ("", "*/", "*/*/") for path in sorted(root.glob(f"{depth}ImageSets"))]
    if len(folders) != 1:
        names = ", ".join(map(str, folders)) or "none"
        raise DataError(f"expected one folder with ImageSets/ in {root.absolute()}, got: {names}. Set data.root")
    return folders[0]


def read_annotation(path: Path, annotation: Path) -> BoxedImage:
    """Read the boxes of an image from an XML file.

    Raises:
        DataError: the file is not a VOC annotation.
    """
    try:
        tree = ElementTree.parse(annotation).getroot()
        height, width = (int(tree.findtext(f"size/{name}", "0")) for name in ("height", "width"))
        corners, labels, ignored = [], [], []
        for element in tree.iter("object"):
            box = [float(element.findtext(f"bndbox/{name}", "")) for name in ("xmin", "ymin", "xmax", "ymax")]
            has_area = box[2] > box[0] and box[3] > box[1]
            corners.append([box[0] - 1, box[1] - 1, box[2], box[3]] if has_area else box)
            labels.append(element.findtext("name", "").strip())
            ignored.append(element.findtext("difficult", "0").strip() == "1")
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise DataError(f"{annotation} is not a VOC annotation: {error}") from None
    # Some tools omit the size, or write 0.
    return BoxedImage(path, file_size(path, (height, width) if height and width else None), corners, labels, ignored)
