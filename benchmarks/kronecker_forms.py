"""The fastest form of S_g (I_g (x) M), forward and backward, by which `blocks.permutations.kronecker_shuffle` chooses.

    python -m benchmarks.kronecker_forms [--rounds 7] [--batch 128] [--layout channels_last]

It prints the milliseconds of the fastest round; the forms take turns in each round, and `*` marks the form that is chosen.
"terms" is the sum as it is written, one Kronecker product after the other. ONEDNN_MAX_CPU_ISA=AVX2 and
ATEN_CPU_CAPABILITY=avx2 in the environment make a processor with AVX-512 compute as one without.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from benchmarks.shuffle_speed import LAYOUTS, compare
from evaluator.training.allocator import keep_freed_memory
from search_spaces.blocks.permutations.kronecker_shuffle import (
    Form,
    apply_blocks,
    image_form,
    kronecker_product,
    shared_form,
    summed_terms,
    terms_together,
    two_products,
)
from search_spaces.blocks.spec import KroneckerShape

SIZES = (
    # groups, n1, n2, side of the image in pixels
    (1, 2, 4, 32),
    (2, 2, 4, 32),
    (2, 4, 4, 32),
    (1, 4, 8, 32),
    (2, 8, 4, 16),
    (1, 8, 8, 16),
    (8, 2, 4, 16),
    (2, 8, 8, 8),
    (1, 8, 16, 8),
    (8, 4, 4, 8),
    (2, 8, 16, 8),
    (1, 16, 16, 8),
    (2, 16, 16, 4),
    (1, 16, 32, 4),
)
TERMS = (1, 4)
Work = Callable[[Tensor, Tensor, Tensor], Tensor]


def shared_forms(groups: int) -> dict[str, Work]:
    """The forms of a sum of Kronecker products that all images share."""

    def dense(form: Form) -> Work:
        return lambda x, w1, w2: apply_blocks(x, summed_terms(w1, w2)[None, None], groups, form)

    def one_by_one(x: Tensor, w1: Tensor, w2: Tensor) -> Tensor:
        terms = [two_products(x, *pair, groups) for pair in zip(w1[:, None, None], w2[:, None, None], strict=True)]
        return torch.stack(terms).sum(0) if len(terms) > 1 else terms[0]

    return {
        "terms": one_by_one,
        "factors": lambda x, w1, w2: terms_together(x, w1, w2, groups),
        "blocks": dense(Form.BLOCKS),
        "whole": dense(Form.WHOLE),
    }


def image_forms(groups: int) -> dict[str, Work]:
    """The forms of one Kronecker product that each image has of its own."""

    def dense(form: Form) -> Work:
        return lambda x, p1, p2: apply_blocks(x, kronecker_product(p1, p2), groups, form)

    return {
        "factors": lambda x, p1, p2: two_products(x, p1, p2, groups),
        "blocks": dense(Form.BLOCKS),
        "whole": dense(Form.WHOLE),
    }


def measured(
    forms: Mapping[str, Work], channels: int, pixels: int, factors: tuple[Tensor, Tensor], options: argparse.Namespace
) -> dict[str, float]:
    """Milliseconds of each form."""
    x, grad = (
        torch.randn(options.batch, channels, pixels, pixels).to(memory_format=LAYOUTS[options.layout]) for _ in range(2)
    )
    leaves = (x.requires_grad_(), *(factor.requires_grad_() for factor in factors))

    def timed(work: Work) -> Callable[[], object]:
        return lambda: torch.autograd.grad(work(*leaves), leaves, grad)

    arms = {name: timed(work) for name, work in forms.items()}
    return {name: min(rounds) * 1e3 for name, rounds in compare(arms, options.rounds, torch.device("cpu")).items()}


def line(title: str, times: Mapping[str, float], chosen: Form) -> str:
    """One line of the table, in which the chosen form is marked."""
    cells = (f"{name} {'*' if name == chosen.value else ''}{spent:.1f}" for name, spent in times.items())
    return f"{title:34}" + "".join(f"{cell:17}" for cell in cells)


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--layout", choices=sorted(LAYOUTS), default="channels_last")
    options = parser.parse_args()
    torch.set_num_threads(1)
    keep_freed_memory()
    print(f"torch {torch.__version__}, {torch.backends.cpu.get_cpu_capability()}, 1 thread, batch {options.batch}")
    for groups, n1, n2, pixels in SIZES:
        shape = KroneckerShape.square(groups, n1, n2)
        size = f"{shape.inputs} channels, {groups} {n1}x{n2}, {pixels} px"
        for terms in TERMS:
            static = (torch.randn(terms, n1, n1), torch.randn(terms, n2, n2))
            times = measured(shared_forms(groups), shape.inputs, pixels, static, options)
            print(line(f"{size}, r {terms}", times, shared_form(shape, terms)), flush=True)
        generated = (torch.rand(options.batch, 1, n1, n1), torch.rand(options.batch, 1, n2, n2))
        times = measured(image_forms(groups), shape.inputs, pixels, generated, options)
        print(line(f"{size}, images", times, image_form(shape)), flush=True)


if __name__ == "__main__":
    main()
