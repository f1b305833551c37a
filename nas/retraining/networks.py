"""A network that is trained anew, and why it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from nas.candidate import Candidate
from nas.values.json_fields import MalformedError, entry, mapping, number, numbers, shown, text


class Role(StrEnum):
    """Why a network is trained anew."""

    CHOSEN = "chosen"
    """A person has chosen it, or the rule for the front has."""
    UNCHANGED = "unchanged"
    """It is the unchanged network that is nearest in cost to a chosen one."""
    TEACHER = "teacher"
    """The others learn from it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """A network that is trained anew."""

    name: str
    """A name that is unique within the run and can be part of a file name: the number of its trial, where it has one."""
    candidate: Candidate
    role: Role
    training_from: str
    """In words, where the settings of its training come from."""
    costs: Mapping[str, float]
    """Costs by name, as known before this training."""
    description: str
    """The network in one short line."""
    kind: str
    """The kind of the network, by its name in the legend of the space."""
    expected: float | None = None
    """What the search expects of the learned objective, after its own training; None if it never trained this."""
    peer: str | None = None
    """Name of the unchanged network beside a chosen one; None if it has none."""

    def to_json(self) -> dict[str, Any]:
        """Plain JSON that `from_json` takes back."""
        return {
            "name": self.name,
            "candidate": self.candidate.to_json(),
            "role": self.role.value,
            "training_from": self.training_from,
            "costs": dict(self.costs),
            "description": self.description,
            "kind": self.kind,
            "expected": self.expected,
            "peer": self.peer,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Network:
        """The network that `to_json` wrote.

        Raises:
            MalformedError: The data are not those of a network.
        """
        data = mapping(data, "a network")
        role = text(entry(data, "role", "a network"), "a network's role")
        if role not in set(Role):
            raise MalformedError(f"a network's role is {shown(role)}; allowed: {', '.join(Role)}")
        expected, peer = entry(data, "expected", "a network"), entry(data, "peer", "a network")
        return cls(
            name=text(entry(data, "name", "a network"), "a network's name"),
            candidate=Candidate.from_json(entry(data, "candidate", "a network")),
            role=Role(role),
            training_from=text(entry(data, "training_from", "a network"), "a network's training_from"),
            costs=numbers(entry(data, "costs", "a network"), "a network's costs"),
            description=text(entry(data, "description", "a network"), "a network's description"),
            kind=text(entry(data, "kind", "a network"), "a network's kind"),
            expected=None if expected is None else number(expected, "a network's expected"),
            peer=None if peer is None else text(peer, "a network's peer"),
        )
