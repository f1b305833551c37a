from __future__ import annotations

from contextlib import nullcontext

import torch

from search_spaces.blocks.factors.precision import full_precision


def test_autocast_is_switched_off_inside_and_only_where_it_was_on() -> None:
    x = torch.randn(2, 2)
    assert isinstance(full_precision(x), nullcontext)
    assert isinstance(full_precision(x.to("meta")), nullcontext)
    with torch.autocast("cpu", torch.bfloat16):
        assert (x @ x).dtype is torch.bfloat16
        with full_precision(x):
            assert (x @ x).dtype is torch.float32
        assert (x @ x).dtype is torch.bfloat16
