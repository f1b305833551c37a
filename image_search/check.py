"""Checks, before anything is trained, whether the machine computes the networks of a search correctly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from evaluator.settings import TrainSettings

if TYPE_CHECKING:
    from evaluator.measuring.machine_check import MachineCheck, Subject
    from image_search.plan import Plan


def checked_networks(plan: Plan) -> dict[str, Any]:
    """The cheapest and the most expensive known network of the search, as workers compute them; plain JSON for `begin_check`."""
    from evaluator.measuring.machine_check import images_of
    from search_spaces import space_for_workers

    macs = {name: plan.exact_costs(candidate)["macs"] for name, candidate in plan.known_candidates.items()}
    chosen = dict.fromkeys((min(macs, key=macs.__getitem__), max(macs, key=macs.__getitem__)))
    return {
        "space": space_for_workers(plan.space),
        "candidates": {name: plan.known_candidates[name].to_json() for name in chosen},
        "images": {name: images_of(macs[name], plan.settings.train.batch_size) for name in chosen},
        "input_shape": plan.data.input_shape,
        "train": asdict(replace(plan.settings.train, threads=plan.threads)),
        "device": plan.device.type,
    }


def begin_check(networks: Mapping[str, Any]) -> MachineCheck:
    """Starts a process that compares these networks with double precision, and returns at once."""
    from evaluator.measuring.machine_check import MachineCheck

    return MachineCheck("image_search.check:make_subjects", networks)


def make_subjects(
    space: Mapping[str, Any],
    candidates: Mapping[str, Mapping[str, Any]],
    images: Mapping[str, int],
    input_shape: Sequence[int],
    train: Mapping[str, Any],
    device: str,
) -> list[Subject]:
    """Makes the networks that the process checks."""
    import torch

    from evaluator.device import resolve_device, resolve_execution
    from evaluator.measuring.machine_check import Subject
    from nas.candidate import Candidate
    from search_spaces import space_in_worker

    settings = TrainSettings(**train)
    execution = resolve_execution(settings, resolve_device(device))
    _, channels, height, width = input_shape
    build = space_in_worker(space).build
    torch.manual_seed(0)
    return [
        Subject(
            name=name,
            network=build(Candidate.from_json(candidate)),
            input_shape=(images[name], channels, height, width),
            execution=execution,
            threads=settings.threads,
        )
        for name, candidate in candidates.items()
    ]
