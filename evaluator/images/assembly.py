"""Makes a decoded set from a source: opens it, screens, decodes and describes its images."""

from __future__ import annotations

import hashlib
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NoReturn

import numpy as np
import PIL
from tqdm import tqdm

from evaluator.images import cache
from evaluator.images.cache import SetDescription
from evaluator.images.decoding import SIZES, Form, Headers, PixelFacts, choose_size, decode, survey
from evaluator.images.stratification import class_counts
from evaluator.settings import DataSettings
from evaluator.sources.findings import Findings, shown
from evaluator.sources.raw_splits import RawDataset
from evaluator.sources.reading import read
from evaluator.sources.registry import Source, SourceKind, requested_size
from evaluator.sources.screening import Screened, broken_images, screen
from evaluator.sources.split_roles import Role


def make_set(source: Source, data: DataSettings, draft: Path) -> SetDescription:
    """Decodes a source into a folder.

    Raises:
        DataError: The source cannot be opened, images or classes are refused (the message names all), or too few are left.
        OutputError: The disk has no room for the set.
    """
    with TemporaryDirectory(dir=draft) as scratch:
        return _Assembly(source, data, read(source, data, Path(scratch))).make(draft)


class _Assembly:
    """A source that is being made into a set."""

    def __init__(self, source: Source, data: DataSettings, raw: RawDataset) -> None:
        self._source = source
        self._data = data
        self._raw = raw
        self._size = requested_size(data)
        known = source.known
        self._headers: dict[Role, Headers] = {}
        self._channels = known.channels if known is not None else None
        if self._size is None or self._channels is None:
            self._headers = {role: survey(split) for role, split in raw.splits.items()}
        self._faults = {role: dict(self._headers[role].faults) if role in self._headers else {} for role in raw.splits}

    def make(self, draft: Path) -> SetDescription:
        """Writes the arrays into a folder and describes them."""
        if self._broken and not self._data.skip_broken:
            self._find_all_faults()
            raise broken_images(self._broken, self._total)
        while True:
            screened = screen(
                self._raw, self._faults, skip_small=self._data.skip_small_classes, found=self._source.told
            )
            form, sides = self._form(screened)
            facts = self._decode(screened, form, draft)
            if not self._learn(screened, facts):
                return self._description(screened, form, sides, facts)
            if not self._data.skip_broken:
                raise broken_images(self._broken, self._total)

    @property
    def _total(self) -> int:
        return sum(len(split.labels) for split in self._raw.splits.values()) + len(self._raw.broken)

    @property
    def _broken(self) -> list[str]:
        """Each image that cannot be used, with the reason."""
        of_splits = [
            f"{self._raw.splits[role].describe(row)}: {why}"
            for role, faults in self._faults.items()
            for row, why in sorted(faults.items())
        ]
        return sorted([f"{name}: {why}" for name, why in self._raw.broken.items()] + of_splits)

    def _find_all_faults(self) -> None:
        """Decodes all images to find their faults, so that they are all reported at once."""
        form = Form(size=SIZES[0], channels=3)
        with self._bar(self._total) as bar:
            for role, split in self._raw.splits.items():
                self._faults[role].update(decode(split, split.labels, form, None, bar.update).faults)

    def _form(self, screened: Screened) -> tuple[Form, tuple[int, int, int] | None]:
        """The form that images are brought to; and least, median and greatest shorter side, where these were read."""
        if not self._headers:
            assert self._size is not None
            assert self._channels is not None
            return Form(size=self._size, channels=self._channels), None
        used = [(self._headers[part.split], part.rows) for part in screened.parts.values()]
        sides = np.concatenate([headers.sides[rows] for headers, rows in used])
        gray = all(headers.gray[rows].all() for headers, rows in used)
        form = Form(size=self._size if self._size is not None else choose_size(sides), channels=1 if gray else 3)
        return form, (int(sides.min()), int(np.median(sides)), int(sides.max()))

    def _decode(self, screened: Screened, form: Form, draft: Path) -> dict[Role, PixelFacts]:
        counts = {role: len(part.rows) for role, part in screened.parts.items()}
        cache.room_for(draft, sum(counts.values()), form.size, form.channels)
        facts = {}
        with self._bar(sum(counts.values())) as bar:
            # The source's own validation images lie behind the training images, in one array.
            for file, roles in (("train", (Role.TRAIN, Role.VALIDATION)), ("test", (Role.TEST,))):
                parts = [screened.parts[role] for role in roles if role in screened.parts]
                total = sum(len(part.rows) for part in parts)
                shape = (total, form.size, form.size, form.channels)
                images = np.lib.format.open_memmap(draft / f"{file}_images.npy", mode="w+", dtype=np.uint8, shape=shape)
                start = 0
                for part in parts:
                    split = self._raw.splits[part.split].select(part.rows)
                    into = images[start : start + len(part.rows)]
                    facts[part.role] = decode(split, part.labels, form, into, bar.update)
                    start += len(part.rows)
                images.flush()
                np.save(draft / f"{file}_labels.npy", np.concatenate([part.labels for part in parts]))
        return facts

    def _learn(self, screened: Screened, facts: dict[Role, PixelFacts]) -> bool:
        """Records the images that proved unusable, and returns whether there were any."""
        for role, each in facts.items():
            part = screened.parts[role]
            self._faults[part.split].update({int(part.rows[row]): why for row, why in each.faults.items()})
        return any(each.faults for each in facts.values())

    def _description(
        self, screened: Screened, form: Form, sides: tuple[int, int, int] | None, facts: dict[Role, PixelFacts]
    ) -> SetDescription:
        parts = screened.parts
        counts = {role: len(parts[role].rows) if role in parts else 0 for role in Role}
        labels = np.concatenate([part.labels for part in parts.values()])
        mean, std = facts[Role.TRAIN].mean_and_deviation()
        skipped, repaired = len(self._broken), sum(len(each.repaired) for each in facts.values())
        content = "".join(facts[role].sha256 for role in Role if role in facts)
        if skipped:
            content += f"|{skipped} skipped"
        return SetDescription(
            name=self._data.name,
            image_size=form.size,
            channels=form.channels,
            class_names=screened.class_names,
            class_counts=tuple(class_counts(labels, screened.class_names).tolist()),
            mean=mean,
            std=std,
            train=counts[Role.TRAIN] + counts[Role.VALIDATION],
            validation=counts[Role.VALIDATION],
            test=counts[Role.TEST],
            carved_test=parts[Role.TEST].split is Role.TRAIN,
            content=hashlib.sha256(content.encode()).hexdigest(),
            sides=sides,
            skipped_images=skipped,
            skipped_classes=len(screened.skipped_classes),
            repaired_images=repaired,
            decoder="scikit-learn" if self._source.kind is SourceKind.DIGITS else f"Pillow {PIL.__version__}",
            told=(*self._raw.told, *self._told(screened, facts)),
            told_of_source=self._source.told,
        )

    def _told(self, screened: Screened, facts: dict[Role, PixelFacts]) -> tuple[str, ...]:
        """Sentences that say what was left out, repaired or chosen while the images were decoded."""
        findings = Findings()
        for broken in self._broken:
            findings.add("skipped, images that cannot be used (--data.skip_broken)", broken)
        for name in screened.skipped_classes:
            findings.add("skipped, classes with too few images (--data.skip_small_classes)", name)
        for role, each in facts.items():
            part = screened.parts[role]
            describe = self._raw.splits[part.split].describe
            for row in each.repaired:
                findings.add("repaired, JPEG files that end early", describe(int(part.rows[row])))
            for row in each.animated:
                findings.add(
                    "used with their first picture only, files with several pictures", describe(int(part.rows[row]))
                )
        if Role.VALIDATION in screened.parts:
            seen = set(screened.parts[Role.VALIDATION].labels.tolist())
            for label, name in enumerate(screened.class_names):
                if label not in seen:
                    findings.add("never validated, classes without an image in the validation split", shown(name))
        return findings.sentences()

    def _bar(self, total: int) -> tqdm[NoReturn]:
        return tqdm(total=total, desc=f"decoding {self._data.name}", unit=" images", leave=False, disable=None)
