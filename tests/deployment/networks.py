"""Untrained networks that are as hard to export as trained ones."""

from __future__ import annotations

from collections import Counter

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from search_spaces import compact, make_space, space_settings
from search_spaces.hosts.host import Host
from tests.search_spaces.perturbation import perturb

MOVES = ("index_select", "gather", "index", "permute", "transpose", "channel_shuffle")


def published(name: str, image_size: int = 16) -> Host:
    """The unchanged network of a space, with statistics and weights as if it had been trained."""
    space = make_space(space_settings(name=name, mixers=("fixed",)), image_size=image_size, channels=3, classes=5)
    torch.manual_seed(0)
    model = space.build(space.decode(next(iter(space.baselines().values()))))
    assert isinstance(model, Host)
    perturb(model, 0.1)
    return model.eval()


class OneStage(nn.Module):
    """Stem and first stage of a deployed network, with a classifier of their own: a smaller network with all its blocks."""

    def __init__(self, model: Host) -> None:
        super().__init__()
        network = compact(model)
        assert isinstance(network, Host)
        self.stem, self.stage = network.stem, network.stages[0]
        features = self.stage(self.stem(torch.zeros(1, 3, 16, 16))).shape[1]
        self.classifier = nn.Linear(features, 5)

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.classifier(self.stage(self.stem(x)).mean((2, 3)))
        return logits


def operations(network: nn.Module) -> Counter[str]:
    """How often each operation is in a graph."""
    graphs = [module.graph for module in network.modules() if isinstance(module, torch.fx.GraphModule)]
    targets = [str(node.target) for graph in graphs for node in graph.nodes if node.op == "call_function"]
    return Counter(target.removeprefix("aten.").partition(".")[0] for target in targets)


def moves(network: nn.Module) -> int:
    """Number of operations of a graph that move channels other than by slices."""
    counts = operations(network)
    return sum(counts[name] for name in MOVES)


@torch.no_grad()
def multiply_adds(network: nn.Module, x: Tensor) -> int:
    """Twice the multiply-adds of a forward, by torch's own counter."""
    with FlopCounterMode(display=False) as counter:
        network(x)
    return int(counter.get_total_flops())
