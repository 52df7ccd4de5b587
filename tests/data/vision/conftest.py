import pytest
from PIL import Image


@pytest.fixture
def save_images(tmp_path):
    """Save images of two classes in turn, drawn by `draw(index)`, and return their folder."""

    def save(training, test, draw):
        for split, number in (("train", training), ("test", test)):
            for n in range(number):
                path = tmp_path / "images" / split / "ab"[n % 2] / f"{n}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(draw(n)).save(path)
        return tmp_path / "images"

    return save
