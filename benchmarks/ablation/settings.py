"""Settings of an ablation. Field docstrings are the text of `--help`."""

from __future__ import annotations

from dataclasses import dataclass, field

from evaluator.settings import DataSettings, TrainSettings, data_faults, train_faults
from nas.errors import unknown_name


@dataclass(frozen=True, kw_only=True)
class AblationSettings:
    """Which arms are trained how often, on which network."""

    pairs: int = 5
    """Number of seeds of each main arm, fixed beforehand. All arms are trained with seeds 0, 1, 2, ..."""
    first_seed: int = 0
    """The first of these seeds, so that several steps of a study have seeds of their own."""
    control_pairs: int = 3
    """Number of seeds of each further arm."""
    arms: tuple[str, ...] | None = None
    """Train only these arms. Default: all."""
    width: int = 32
    """Number of channels of the first stage of the ShuffleNetV2; it doubles in each later stage."""
    units: tuple[int, ...] = (2, 4, 2)
    """Numbers of units of its three stages."""
    groups: int = 2
    """Number of channel groups of the Kronecker mixers."""
    reduction: int = 4
    """The generator's and squeeze-and-excitation's hidden layer has C / reduction units, at least 4."""
    lr: float = 0.4
    """Peak learning rate for a batch of 128, the same for every arm."""
    weight_decay: float = 5e-4
    """Weight decay, the same for every arm."""
    orth_weight: float = 0.1
    """Weight of the normalised penalty of learned shuffles."""
    temperature: float = 1.0
    """Temperature of the softmax of learned shuffles."""
    branch_at: float | None = None
    """For each seed, train one network with fixed shuffles for this share of the epochs, and let the arms branch off from it.
    Default: every arm is trained from the beginning.
    """
    workers: int = 1
    """Number of networks trained at the same time."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Everything an ablation depends on."""

    ablation: AblationSettings = field(default_factory=AblationSettings)
    data: DataSettings = field(default_factory=DataSettings)
    train: TrainSettings = field(default_factory=TrainSettings)
    device: str = "auto"
    """Where networks are trained: auto, cpu or cuda."""
    output: str = "runs/ablation"
    """Folder of the runs and the table."""


def faults(settings: Settings, known_arms: tuple[str, ...]) -> list[str]:
    """In words, every setting that is out of range, with its value and what is allowed."""
    ablation = settings.ablation
    found = [*data_faults(settings.data), *train_faults(settings.train)]
    least = {"pairs": 1, "control_pairs": 1, "width": 8, "groups": 1, "reduction": 1, "workers": 1}
    least |= {"weight_decay": 0, "orth_weight": 0}
    found += [
        f"--ablation.{name} is {getattr(ablation, name)}; allowed: {low} or more"
        for name, low in least.items()
        if not getattr(ablation, name) >= low
    ]
    found += [
        f"--ablation.{name} is {getattr(ablation, name)}; allowed: above 0"
        for name in ("lr", "temperature")
        if not getattr(ablation, name) > 0
    ]
    epochs = settings.train.epochs
    if epochs is None:
        found.append("--train.epochs is auto; allowed: a number, which all arms have")
    elif ablation.branch_at is not None and not 0 < round(ablation.branch_at * epochs) < epochs:
        found.append(
            f"--ablation.branch_at is {ablation.branch_at}; allowed: a share that leaves an epoch of the {epochs} before and "
            "behind it"
        )
    if len(ablation.units) != 3 or min(ablation.units) < 1:
        found.append(f"--ablation.units is {list(ablation.units)}; allowed: three numbers of at least 1")
    if ablation.groups >= 1 and ablation.width % (4 * ablation.groups):
        found.append(
            f"--ablation.width is {ablation.width}; with {ablation.groups} groups it must be a multiple of {4 * ablation.groups}"
        )
    unknown = [arm for arm in ablation.arms or () if arm not in known_arms]
    return found + [f"--ablation.arms: {unknown_name('arm', arm, known_arms)}" for arm in unknown]
