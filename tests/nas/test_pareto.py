import itertools
import random

import pytest

from nas.pareto import dominates, hypervolume, non_dominated


def test_a_point_dominates_when_nowhere_worse_and_somewhere_better() -> None:
    assert dominates((1.0, 2.0), (1.0, 3.0))
    assert not dominates((1.0, 2.0), (1.0, 2.0))
    assert not dominates((1.0, 2.0), (0.0, 3.0))


@pytest.mark.parametrize("axes", [2, 3])
def test_the_front_is_what_brute_force_finds(axes: int) -> None:
    draw = random.Random(0)
    for _ in range(50):
        points = [tuple(float(draw.randint(0, 5)) for _ in range(axes)) for _ in range(30)]
        expected = {p for p in points if not any(dominates(q, p) for q in points)}
        front = non_dominated(points)
        assert {points[i] for i in front} == expected
        assert len(front) == len(expected), "of equal points one stays"
        assert all(points.index(points[i]) == i for i in front), "and it is the first"


@pytest.mark.parametrize("axes", [1, 2, 3])
def test_the_hypervolume_is_the_number_of_dominated_unit_cells(axes: int) -> None:
    draw = random.Random(1)
    side = 6
    for _ in range(30):
        points = [tuple(float(draw.randint(0, side + 1)) for _ in range(axes)) for _ in range(8)]
        cells = list(itertools.product(range(side), repeat=axes))
        covered = sum(any(all(x <= c for x, c in zip(p, cell, strict=True)) for p in points) for cell in cells)
        assert hypervolume(points, (float(side),) * axes) == pytest.approx(covered)


def test_points_beyond_the_reference_add_nothing() -> None:
    assert hypervolume([(2.0, 0.0), (0.0, 2.0)], (1.0, 1.0)) == 0.0
    assert hypervolume([], (1.0, 1.0)) == 0.0
