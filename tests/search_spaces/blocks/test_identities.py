"""What a shuffle can and cannot add to the layers around it."""

from __future__ import annotations

import torch
from torch import nn

from search_spaces.blocks.permutations.channel_gather import gather_channels, scatter_channels
from search_spaces.blocks.permutations.index_shuffle import index_shuffle
from search_spaces.blocks.permutations.kronecker_shuffle import dense_matrix
from search_spaces.blocks.permutations.permutation import coverage, is_permutation, kronecker, matrix, shuffle_map

GROUPS, N1, N2 = 2, 2, 3
CHANNELS = GROUPS * N1 * N2


def normed_grouped_convolution() -> nn.Sequential:
    """1x1 convolution in groups, then a norm with statistics, in evaluation mode."""
    layers = (
        nn.Sequential(nn.Conv2d(8, CHANNELS, 1, groups=GROUPS, bias=False), nn.BatchNorm2d(CHANNELS)).double().eval()
    )
    with torch.no_grad():
        norm = layers[1]
        assert isinstance(norm, nn.BatchNorm2d)
        for tensor in (*norm.parameters(), norm.running_mean, norm.running_var):
            assert tensor is not None
            tensor.uniform_(0.5, 1.5)
    return layers


def test_a_permutation_within_groups_after_a_grouped_convolution_adds_no_function() -> None:
    layers, twin = normed_grouped_convolution(), normed_grouped_convolution()
    within = torch.cat([kronecker(torch.randperm(N1), torch.randperm(N2)) + k * N1 * N2 for k in range(GROUPS)])
    state = layers.state_dict()
    twin.load_state_dict({name: value[within] if value.ndim else value for name, value in state.items()})
    x = torch.randn(3, 8, 4, 4, dtype=torch.float64)
    shuffled = gather_channels(torch.relu(layers(x)), within[None])
    torch.testing.assert_close(shuffled, torch.relu(twin(x)), rtol=1e-12, atol=1e-12)


def test_a_permutation_across_groups_is_no_grouped_convolution_with_other_weights() -> None:
    convolution = normed_grouped_convolution()[0]
    assert isinstance(convolution, nn.Conv2d)
    across = torch.arange(CHANNELS).roll(1)
    mixed = torch.block_diag(*convolution.weight[:, :, 0, 0].unflatten(0, (GROUPS, -1)))[across]
    outside = torch.cat((mixed[: CHANNELS // 2, 4:].flatten(), mixed[CHANNELS // 2 :, :4].flatten()))
    assert outside.abs().max() > 0


def test_colliding_rows_duplicate_channels_lose_others_and_have_no_inverse() -> None:
    outer, inner = torch.tensor([[[0, 0]]]), torch.tensor([[[2, 0, 1]]])
    index_map = shuffle_map(outer, inner, GROUPS)
    assert not is_permutation(index_map).any()
    assert coverage(index_map).item() == 0.5
    x = torch.randn(1, CHANNELS, 2, 2)
    y = gather_channels(x, index_map)
    kept, given = ({tuple(channel.flatten().tolist()) for channel in each[0]} for each in (y, x))
    assert len(kept) == CHANNELS // 2
    assert len(given - kept) == CHANNELS // 2  # so no map of y gives x back


def test_the_gradient_of_colliding_rows_is_the_transposed_matrix_not_an_inverse() -> None:
    index_map = torch.tensor([[3, 3, 0, 1]])
    grad = torch.randn(1, 4, 2, 2, dtype=torch.float64)
    expected = torch.einsum("bij,bihw->bjhw", matrix(index_map).double(), grad)
    torch.testing.assert_close(scatter_channels(grad, index_map), expected)


def test_hard_factors_move_values_and_change_none() -> None:
    x = torch.randn(2, CHANNELS, 3, 3, dtype=torch.float64)
    p1, p2 = (torch.softmax(torch.randn(2, 1, n, n, dtype=torch.float64), -1) for n in (N1, N2))
    y = index_shuffle(x, p1, p2, GROUPS)
    full = dense_matrix(matrix(p1.argmax(-1)), matrix(p2.argmax(-1)), GROUPS).double()
    assert torch.equal(y, torch.einsum("bij,bjhw->bihw", full, x))
    assert set(y.flatten().tolist()) <= set(x.flatten().tolist())
