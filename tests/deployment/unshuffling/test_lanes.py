from deployment.unshuffling.lanes import Lanes, Strength


def test_lanes_with_the_same_readers_are_beside_each_other() -> None:
    lanes = Lanes()
    for lane in lanes.add(6):
        lanes.demand(lane, Strength.SET, who=lane % 2)
    assert sorted(range(6), key=lambda lane: lanes.ranks()[lane] or 0) == [0, 2, 4, 1, 3, 5]


def test_a_fixed_order_decides_before_groups_and_groups_before_sets() -> None:
    lanes = Lanes()
    lanes.add(4)
    for lane in range(4):
        lanes.demand(lane, Strength.SET, who=0, place=0)
        lanes.demand(lane, Strength.GROUPS, who=1, place=lane % 2)
    assert lanes.ranks() == [0, 2, 1, 3]
    for lane in range(4):
        lanes.demand(lane, Strength.ORDER, who=2, place=3 - lane)
    assert lanes.ranks() == [3, 2, 1, 0]


def test_tied_lanes_have_one_rank_and_all_their_readers() -> None:
    lanes = Lanes()
    one, other = lanes.add(2), lanes.add(2)
    lanes.tie(one[0], other[1])
    lanes.tie(other[0], one[1])
    lanes.demand(one[0], Strength.ORDER, who=0, place=1)
    lanes.demand(other[0], Strength.ORDER, who=0, place=0)
    assert lanes.ranks() == [1, 0, 0, 1]


def test_a_lane_that_nobody_reads_has_no_rank() -> None:
    lanes = Lanes()
    lanes.add(2)
    lanes.demand(1, Strength.SET, who=0)
    assert lanes.ranks() == [None, 0]
