"""Known good candidates to begin a search with: the front of an earlier search."""

from __future__ import annotations

from pathlib import Path

from nas.cost_rule import CostRule
from nas.dimensions import Genotype
from nas.errors import SettingsError, SpaceError
from nas.objectives import Objective, listed
from nas.output.stored_front import read_members
from nas.space import SearchSpace
from nas.values.json_fields import shown


def warm_start(path: str | Path, space: SearchSpace) -> dict[str, Genotype]:
    """The members of a `pareto.json` as genotypes of a space, by their names in the report.

    Raises:
        OutputError: The file cannot be read, or holds no front.
        SettingsError: A member belongs to another space, or means another network in this one.
    """
    found: dict[str, Genotype] = {}
    for member in read_members(path):
        of = f"--search.warm_start {path}: trial {member.trial}"
        if member.candidate.space != space.name:
            named = shown(member.candidate.space).strip("'")
            raise SettingsError(f"{of} is of the space {named}, this search is of {space.name}")
        try:
            candidate, meant = space.decode(member.genotype), space.canonical(member.candidate)
        except SpaceError as error:
            raise SettingsError(f"{of} is not in the space of this search: {error}") from error
        except (KeyError, TypeError, ValueError, IndexError, AssertionError) as error:
            raise SettingsError(f"{of} means no network in the space of this search ({error!r})") from error
        if candidate.digest != meant.digest:
            raise SettingsError(
                f"{of} means another network in the space of this search; its settings must be the same"
            )
        found[f"given {candidate.digest[:8]}"] = member.genotype
    return found


def recounted(path: str | Path, count: CostRule, quantities: tuple[Objective, ...] = ()) -> list[str]:
    """A line that says how many members of a `pareto.json` have other costs as counted now; empty if none has.

    Raises:
        OutputError: The file cannot be read, or holds no front.
    """
    members = read_members(path)
    changed: list[int] = []
    names: dict[str, None] = {}
    for member in members:
        counted = {} if member.costs_version == count.version else count.costs(member.candidate)
        differing = [name for name, cost in counted.items() if member.values.get(name, cost) != cost]
        names |= dict.fromkeys(differing)
        changed += [member.trial] if differing else []
    if not changed:
        return []
    return [
        f"{listed(names, quantities)} of {len(changed)} of the {len(members)} networks in {path} are counted anew, since this "
        "version counts costs before a training differently"
    ]
