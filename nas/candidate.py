"""What a genotype means: an architecture and its training hyper-parameters, with a digest that names the meaning."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from nas.dimensions import Scalar
from nas.values.json_fields import entry, mapping, scalars, text


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A network and how it is trained, with inactive decisions erased and ranks resolved.

    Two genotypes that mean the same network and training give equal candidates, so their digests are equal.
    """

    space: str
    """Name of the search space that the candidate belongs to."""
    architecture: Mapping[str, Scalar]
    """Resolved structural decisions, such as `stage1.mixer` or `stage1.n1`; erased ones are absent."""
    training: Mapping[str, Scalar]
    """Resolved training hyper-parameters, such as `lr` or `orth_weight`; erased ones are absent."""

    @cached_property
    def digest(self) -> str:
        """The first 16 hexadecimal digits of the SHA-256 of the canonical JSON: the key of de-duplication."""
        canonical = json.dumps(self.to_json(), sort_keys=True, separators=(",", ":"), allow_nan=False)
        return hashlib.sha256(canonical.encode()).hexdigest()[:16]

    @property
    def decisions(self) -> dict[str, Scalar]:
        """All resolved decisions: those of the architecture first, then those of the training."""
        return {**self.architecture, **self.training}

    def to_json(self) -> dict[str, Any]:
        """Plain JSON that `from_json` takes back."""
        return {"space": self.space, "architecture": dict(self.architecture), "training": dict(self.training)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Candidate:
        """The candidate that `to_json` wrote.

        Raises:
            MalformedError: The data are not those of a candidate.
        """
        data = mapping(data, "the candidate")
        return cls(
            space=text(entry(data, "space", "the candidate"), "the candidate's space"),
            architecture=scalars(entry(data, "architecture", "the candidate"), "the candidate's architecture"),
            training=scalars(entry(data, "training", "the candidate"), "the candidate's training"),
        )
