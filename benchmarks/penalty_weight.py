"""The effect of the penalty's weight on a dynamic network, epoch by epoch, as a table and a picture.

    python -m benchmarks.penalty_weight --root DATA [--weights 0.01 0.1 1] [--epochs 8] [--images 20000] [--output runs/penalty]

For each weight a ShuffleNetV2 whose dynamic mixers differ between images from the start is trained on CIFAR-10. Measured after
each epoch on the validation images: the share of valid permutations, their disagreement between images, the accuracy with hard and
with soft matrices, and the penalty itself. Weights that are finished are not trained again.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import pandas as pd
import torch
from tqdm import tqdm

from benchmarks.ablation.arms import Images, build
from benchmarks.ablation.settings import AblationSettings
from evaluator.device import resolve_device, resolve_execution, set_threads
from evaluator.images.augmentation import Normalization, make_augmentation
from evaluator.images.batches import BatchSource
from evaluator.images.data import load
from evaluator.machine import this_machine
from evaluator.measuring.metrics import learned_shuffles
from evaluator.settings import DataSettings, TrainSettings
from evaluator.training.checkpoint import Checkpoints
from evaluator.training.losses import CrossEntropy
from evaluator.training.recipe import Recipe
from evaluator.training.trainer import Training, TrainingData
from module_protocols import EvaluationMode

WEIGHTS = (0.01, 0.1, 0.3, 1.0, 10.0)
PANELS = {
    "valid": "Valid permutations",
    "disagreement": "Disagreement between images",
    "gap": "Soft minus hard accuracy, points",
    "accuracy": "Accuracy, %",
}


def measured(weight: float, arm: str, options: argparse.Namespace) -> list[dict[str, float | str]]:
    """Trains one network and returns a record per epoch."""
    ablation = AblationSettings(orth_weight=weight, weight_decay=2e-4)
    data = DataSettings(name="cifar10", root=options.root, crop_padding=1, train_limit=options.images)
    train = TrainSettings(epochs=options.epochs, batch_size=64, label_smoothing=0.0)
    set_threads(train)
    execution = resolve_execution(train, resolve_device(options.device))
    splits = load(data, 0)
    summary = splits.summary
    images = Images(size=summary.image_size, channels=summary.channels, classes=summary.classes)
    torch.manual_seed(options.seed)
    training = Training(
        build(arm, ablation, images),
        TrainingData(
            train=BatchSource(splits.train, execution.device),
            validation=BatchSource(splits.validation, execution.device),
            augment=make_augmentation(summary),
            normalize=Normalization(summary, execution.device, execution.memory_format),
        ),
        Recipe(
            settings=train,
            epochs=options.epochs,
            seed=options.seed,
            lr=ablation.lr,
            weight_decay=ablation.weight_decay,
            orth_weight=weight,
        ),
        execution,
        CrossEntropy(train.label_smoothing),
    )
    records: list[dict[str, float | str]] = []

    def look(epochs: int, _accuracy: float | None) -> None:
        if epochs == 0:
            return
        hard = training.measure()
        accuracy, soft = hard.value("accuracy"), training.measure(EvaluationMode.SOFT).value("accuracy")
        shuffles = learned_shuffles(training.model).values()
        penalty = sum(float(shuffle.penalty().detach()) for shuffle in shuffles) / max(len(shuffles), 1)
        facts = {"accuracy": accuracy, "gap": soft - accuracy, "penalty": penalty, **hard.shuffle_means()}
        records.append({"arm": arm, "weight": weight, "epoch": epochs, "images": len(splits.train), **facts})
        bar.update()
        bar.set_postfix_str(f"weight {weight:g}, epoch {epochs}: {accuracy:.1f} %, valid {facts.get('valid', 1):.2f}")

    with tqdm(total=options.epochs, desc=f"{arm}, weight {weight:g}", unit="epoch") as bar:
        never = Checkpoints(Path(options.output) / "none", {"never": "kept"}, least_seconds=float("inf"))
        training.run(never, look)
    return records


def draw(table: pd.DataFrame, target: Path) -> None:
    """Draws one panel per quantity and one line per weight; the fixed network, if given, is a dashed line of accuracy."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12, 3.4), layout="constrained")
    axes = figure.subplots(1, len(PANELS))
    dynamic = table[table["arm"] != "fixed"]
    weights = sorted(dynamic["weight"].unique())
    for axis, (name, title) in zip(axes, PANELS.items(), strict=True):
        for place, weight in enumerate(weights):
            line = dynamic[dynamic["weight"] == weight]
            shade = 0.85 - 0.75 * place / max(len(weights) - 1, 1)
            axis.plot(line["epoch"], line[name], marker="o", markersize=3, color=_shade(shade), label=f"{weight:g}")
        fixed = table[table["arm"] == "fixed"]
        if name == "accuracy" and len(fixed):
            axis.plot(fixed["epoch"], fixed[name], linestyle="--", color="0.35", label="fixed shuffle")
        axis.set_title(title, fontsize=10, loc="left")
        axis.set_xlabel("epoch")
        axis.spines[["top", "right"]].set_visible(False)
        axis.grid(alpha=0.25)
    axes[0].set_ylim(-0.03, 1.03)
    handles, labels = axes[-1].get_legend_handles_labels()
    figure.legend(
        handles, labels, title="penalty weight", fontsize=9, title_fontsize=9, frameon=False, loc="outside right center"
    )
    figure.savefig(target, dpi=130)


def _shade(position: float) -> tuple[float, float, float, float]:
    from matplotlib import colormaps

    return colormaps["viridis"](position)


def main() -> None:
    """Trains what is missing, printing the table, and draws the picture."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", required=True, help="Folder that holds cifar10/.")
    parser.add_argument("--weights", type=float, nargs="+", default=WEIGHTS)
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--images", type=int, default=20_000, help="Training images used, validation included.")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--output", default="runs/penalty")
    options = parser.parse_args()
    folder = Path(options.output)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "epochs.csv"
    table = pd.read_csv(path) if path.exists() else pd.DataFrame(columns=["arm", "weight"])
    for arm, weight in [("fixed", 0.0), *(("dynamic_varied", weight) for weight in options.weights)]:
        if not ((table["arm"] == arm) & (table["weight"] == weight)).any():
            table = pd.concat([table, pd.DataFrame(measured(weight, arm, options))], ignore_index=True)
            table.to_csv(path, index=False)
    draw(table, folder / "epochs.png")
    train = TrainSettings()
    print(this_machine(train.threads, resolve_execution(train, resolve_device(options.device))))
    print(table.groupby(["arm", "weight"]).last().round(3).to_string())


if __name__ == "__main__":
    main()
