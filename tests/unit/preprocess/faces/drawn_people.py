"""Drawn frames with people of flat colours, and the faces a perfect detector would find in them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.preprocess.faces.detector import Face

HEIGHT, WIDTH = 240, 400
_SIDE = 40


@dataclass(frozen=True)
class Person:
    head: tuple[int, int, int]
    clothes: tuple[int, int, int]


ANNA = Person(head=(220, 170, 140), clothes=(180, 30, 40))
BEN = Person(head=(120, 80, 60), clothes=(30, 60, 170))
CARA = Person(head=(235, 200, 190), clothes=(40, 140, 60))


def frame_with(*people: tuple[Person, float, float]) -> NDArray[np.uint8]:
    """People at (x, y) of the face's centre, px; later ones stand in front."""
    rgb = np.full((HEIGHT, WIDTH, 3), 90, dtype=np.uint8)
    for person, x, y in people:
        left, top = int(x) - _SIDE // 2, int(y) - _SIDE // 2
        rgb[max(top + _SIDE + 6, 0) : HEIGHT, max(left - 16, 0) : max(left + _SIDE + 16, 0)] = person.clothes
        rgb[max(top - 12, 0) : top + _SIDE + 6, max(left - 8, 0) : max(left + _SIDE + 8, 0)] = person.head
    return rgb


def face_at(x: float, y: float, side: float = _SIDE, score: float = 1.0) -> Face:
    """A frontal face centred there."""
    half = side / 2
    triple = np.array([[x - half / 2, y - half / 2], [x + half / 2, y - half / 2], [x, y]])
    return Face(triple, np.array([x - half, y - half, x + half, y + half]), score)
