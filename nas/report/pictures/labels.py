"""Where to write labels beside points so that they cover neither each other nor the drawing.

All lengths are in pixels, and the vertical axis points upward.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

Point = tuple[float, float]
Box = tuple[float, float, float, float]
"""Left, bottom, right and top of a rectangle."""

_DISTANCES = (11.0, 20.0, 30.0, 45.0, 65.0, 90.0)
_DIRECTIONS = (-45, 0, 45, -90, 90, -135, 180, 135)
"""Directions in degrees. The lower right comes first, as the area under a front is emptiest there."""


def place_labels(
    anchors: Sequence[Point], sizes: Sequence[Point], obstacles: Sequence[Point], bounds: Box, scale: float = 1.0
) -> list[Box]:
    """A box for each label, near its anchor.

    The algorithm is greedy from left to right: each label takes the place with the least overlap with earlier labels (which
    weighs most), with the border of the picture and with obstacles; of equal places it takes the nearest.

    Args:
        anchors: The points that are labeled.
        sizes: Width and height of each label.
        obstacles: Points that should stay visible, the anchors among them.
        bounds: The area in which labels may be placed.
        scale: Number of pixels of one unit of distance between anchor and label.
    """
    boxes: dict[int, Box] = {}
    for position in sorted(range(len(anchors)), key=lambda k: anchors[k]):
        places = _places(anchors[position], sizes[position], scale)
        taken = list(boxes.values())
        costs = [
            1000 * sum(_overlap(place, box) > 0 for box in taken)
            + 500 * (_overlap(place, bounds) < _area(place) - 1e-6)
            + 30 * sum(_inside(point, place, 5.0 * scale) for point in obstacles)
            + rank / len(_DIRECTIONS)
            for rank, place in enumerate(places)
        ]
        boxes[position] = places[costs.index(min(costs))]
    return [boxes[position] for position in range(len(anchors))]


def _places(anchor: Point, size: Point, scale: float) -> list[Box]:
    """Boxes around an anchor, nearest first. The side or corner that faces the anchor is at the given distance."""
    places = []
    for distance in _DISTANCES:
        for degrees in _DIRECTIONS:
            across, up = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
            x = anchor[0] + across * distance * scale
            y = anchor[1] + up * distance * scale
            left = x - size[0] * (1 - _sign(across)) / 2
            bottom = y - size[1] * (1 - _sign(up)) / 2
            places.append((left, bottom, left + size[0], bottom + size[1]))
    return places


def _sign(value: float) -> int:
    return 0 if abs(value) < 1e-9 else 1 if value > 0 else -1


def _area(box: Box) -> float:
    return (box[2] - box[0]) * (box[3] - box[1])


def _overlap(a: Box, b: Box) -> float:
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    return width * height if width > 0 and height > 0 else 0.0


def _inside(point: Point, box: Box, margin: float) -> bool:
    return box[0] - margin < point[0] < box[2] + margin and box[1] - margin < point[1] < box[3] + margin
