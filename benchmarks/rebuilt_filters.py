"""The cost of deployed convolutions with rebuilt filters, compared with the dense convolutions that they replace.

    python -m benchmarks.rebuilt_filters [--rounds 9] [--batch 32] [--threads 1] [--layout NCHW]

For 3x3 convolutions of several sizes, of which an eighth of the filters are templates, it prints the multiply-adds of the
deployed form and of the dense convolution, in thousands per image, and the ratio of their times. The arms take turns, and
the ratio is the median over the rounds, with its range.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from functools import partial

import torch
from torch import nn

from benchmarks.command import command
from benchmarks.shuffle_speed import LAYOUTS, compare, ratio
from evaluator.machine import this_machine
from evaluator.measuring.cost import count_cost
from evaluator.training.allocator import keep_freed_memory
from search_spaces import compact
from search_spaces.reconstruction import TRANSFORMATIONS
from search_spaces.reconstruction.reconstructed_conv import ReconstructedConv2d
from search_spaces.reconstruction.two_stage_conv import TwoStageConv2d

SIZES = (
    # channels in and out, side of the image in pixels, stride
    (16, 16, 32, 1),
    (32, 64, 32, 2),
    (64, 64, 16, 1),
    (128, 128, 8, 1),
    (256, 256, 8, 1),
)
GROUPS = 2
KEPT = 8
"""Number of filters per template, including the template itself."""


def layer(inputs: int, outputs: int, stride: int, family: str) -> ReconstructedConv2d:
    """A convolution in which every eighth filter is kept and the others are rebuilt by random transformations."""
    made = ReconstructedConv2d(nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), groups=GROUPS, family=family)
    made.keep(range(0, outputs, KEPT))
    made.transforms.data += 0.3 * torch.randn_like(made.transforms)
    return made.eval()


def deployed(made: ReconstructedConv2d) -> TwoStageConv2d:
    """The deployed form of a convolution."""
    form = compact(made)
    assert isinstance(form, TwoStageConv2d)
    return form


@command()
def main(argv: Sequence[str] | None = None) -> int:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--layout", choices=sorted(LAYOUTS), default="NCHW")
    options = parser.parse_args(argv)
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    keep_freed_memory()
    print(f"{this_machine(options.threads)}; batch {options.batch}, {options.layout}, {options.rounds} rounds")
    print(f"{'layer':26} {'family':9} {'form':11} {'kMACs':>9} {'dense':>9} {'share':>6}  time / dense")
    for inputs, outputs, pixels, stride in SIZES:
        dense = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False).eval().requires_grad_(False)
        x = torch.randn(options.batch, inputs, pixels, pixels).to(memory_format=LAYOUTS[options.layout])
        forms = {family: deployed(layer(inputs, outputs, stride, family)) for family in TRANSFORMATIONS}
        arms = {name: partial(form, x) for name, form in {"dense": dense, **forms}.items()}
        times = compare(arms, options.rounds, torch.device("cpu"))
        whole = count_cost(dense, tuple(x.shape)).macs
        for family, form in forms.items():
            macs = count_cost(form, tuple(x.shape)).macs
            kind = "two stages" if form.sources.numel() else "dense"
            title = f"{inputs}-{outputs}, {pixels} px, stride {stride}"
            print(
                f"{title:26} {family:9} {kind:11} {macs / 1e3:9.0f} {whole / 1e3:9.0f} {macs / whole:6.2f}  "
                f"{ratio(times, family, 'dense')}",
                flush=True,
            )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
