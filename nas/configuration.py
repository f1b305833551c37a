"""Settings from YAML files and the command line: jsonargparse parses and documents them, all faults are told at once."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nas.errors import SettingsError, unknown_name
from nas.storage import redact

if TYPE_CHECKING:
    from jsonargparse import ArgumentParser

CONFIGS = Path(__file__).parent / "configs"


@dataclass(frozen=True, slots=True)
class _Given:
    """One value that a person has set, and where."""

    key: str
    value: Any
    source: str

    @property
    def where(self) -> str:
        return f"--{self.key}" if self.source == "" else f"{self.key} (in {self.source})"


def config_names(ready: Path = CONFIGS) -> list[str]:
    """Names of the ready configs in a folder."""
    return sorted(path.stem for path in ready.glob("*.yaml"))


def config_path(name: str, ready: Path = CONFIGS) -> Path:
    """The file of a ready config by name, or the file itself.

    Raises:
        SettingsError: Neither a ready config nor a file; lists the ready ones.
    """
    named = ready / f"{name}.yaml"
    if named.exists():
        return named
    if Path(name).is_file():
        return Path(name)
    raise SettingsError(
        "--config: " + unknown_name("config", name, config_names(ready)) + ", or the path of a YAML file"
    )


def parse(
    parser: ArgumentParser,
    argv: Sequence[str],
    check: Callable[[Any], list[str]],
    default_config: str,
    tied: Mapping[str, Sequence[str]],
    ready: Path = CONFIGS,
) -> Any:
    """Merges defaults, the config and the flags, later ones winning.

    Args:
        parser: Holds every setting with its type, its default and its help.
        argv: The command line without the program's name.
        check: Faults of a whole that is well-typed, such as values out of range.
        default_config: Name of the config where `--config` is not given.
        tied: Settings that mean something only for one value of another, by that other's name: where a flag gives it another value
            than the config does, the config's values of them are left out.
        ready: Folder of the configs that can be given by name.

    Returns:
        The namespace with the settings groups as dataclasses.

    Raises:
        SettingsError: Lists every unknown, ill-typed and out-of-range setting.
        SystemExit: `--help` was asked for (status 0).
    """
    if "-h" in argv or "--help" in argv:
        parser.parse_args(["--help"])
    flags, faults = _read_flags(argv)
    known = _flat(parser.get_defaults().as_dict())
    config = next((flag.value for flag in reversed(flags) if flag.key == "config"), default_config)
    try:
        groups = frozenset(key.partition(".")[0] for key in known if "." in key)
        given = [*_still_meant(_read_config(config_path(str(config), ready), groups), flags, tied), *flags]
    except SettingsError as error:
        given = flags
        faults.append(str(error))
    good: list[_Given] = []
    for item in given:
        fault = _fault(parser, item, known)
        faults.append(fault) if fault else good.append(item)
    settings = parser.get_defaults()
    for item in good:
        # One at a time and in order, so that what was ill-typed cannot take the rest with it.
        settings = parser.parse_object(_nested(item.key, item.value), settings)
    settings["config"] = str(config)
    whole = parser.instantiate(settings)
    faults += check(whole)
    if faults:
        # What was meant for --search.storage may stand under another name.
        faults = [redact(fault) for fault in faults]
        raise SettingsError(faults[0] if len(faults) == 1 else "\n  ".join(["several settings are wrong:", *faults]))
    return whole


def _still_meant(
    configured: Sequence[_Given], flags: Sequence[_Given], tied: Mapping[str, Sequence[str]]
) -> list[_Given]:
    values = {item.key: item.value for item in configured}
    changed = {flag.key for flag in flags if flag.key in tied and flag.value != values.get(flag.key, flag.value)}
    dropped = {key for name in changed for key in tied[name]}
    return [item for item in configured if item.key not in dropped]


def _read_flags(argv: Sequence[str]) -> tuple[list[_Given], list[str]]:
    import yaml

    flags: list[_Given] = []
    faults: list[str] = []
    words = list(argv)
    while words:
        word = words.pop(0)
        if not word.startswith("--"):
            faults.append(f"unexpected argument {word!r}: settings are given as --name VALUE")
            continue
        key, equals, text = word[2:].partition("=")
        if not equals:
            if words and not words[0].startswith("--"):
                text = words.pop(0)
            elif key == "dry_run":
                text = "true"
        if not text:
            faults.append(f"--{key}: a value is missing")
            continue
        try:
            flags.append(_Given(key, yaml.safe_load(text) if text[:1] in "[{" else text, ""))
        except yaml.YAMLError:
            faults.append(f"--{key}: {text!r} is not a list that can be read")
    return flags, faults


def _read_config(path: Path, groups: frozenset[str]) -> list[_Given]:
    import yaml

    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise SettingsError(f"--config {path}: cannot be read: {' '.join(str(error).split())}") from error
    if not isinstance(content, dict):
        raise SettingsError(f"--config {path}: must hold settings by name, got {type(content).__name__}")
    return [_Given(key, value, path.name) for key, value in _flat(content, groups).items()]


def _fault(parser: ArgumentParser, item: _Given, known: Mapping[str, Any]) -> str | None:
    if item.key not in known:
        near = difflib.get_close_matches(item.key, known, n=1, cutoff=0.5)
        hint = f"; did you mean --{near[0]}?" if near else "; see --help for those there are"
        return f"{item.where}: no such setting{hint}"
    try:
        parser.parse_object(_nested(item.key, item.value), parser.get_defaults())
    except Exception as error:  # jsonargparse raises several kinds for an ill-typed value
        return f"{item.where}: {_reason(str(error), item.value)}"
    return None


def _reason(message: str, value: Any) -> str:
    """Jsonargparse's message in one line, without the names of Python classes."""
    message = message.replace("\n", " ")
    expected = re.findall(r"[Ee]xpected an? (<class '\w+'>)", message)
    expected = expected or re.findall(r"[Ee]xpected (?:a |an )?(.+?)\. Got", message)
    kinds = [re.sub(r"<class '(\w+)'>", r"\1", kind) for kind in expected if "NoneType" not in kind]
    if not kinds:
        return " ".join(message.split())
    names = {"int": "an integer", "float": "a number", "str": "a text", "bool": "true or false"}
    return f"expected {' or '.join(names.get(kind, kind) for kind in kinds)}, got {value!r}"


def _flat(nested: Mapping[str, Any], groups: frozenset[str] = frozenset()) -> dict[str, Any]:
    """Leaves by dotted name; groups that hold nothing are left out."""
    return dict(_leaves(nested, "", groups))


def _leaves(nested: Mapping[str, Any], prefix: str, groups: frozenset[str]) -> Iterator[tuple[str, Any]]:
    for key, value in nested.items():
        if isinstance(value, Mapping) and value:
            yield from _leaves(value, f"{prefix}{key}.", groups)
        elif not (value is None and prefix == "" and key in groups):
            # A group of which every line is commented out reads as None.
            yield f"{prefix}{key}", value


def _nested(key: str, value: Any) -> dict[str, Any]:
    for part in reversed(key.split(".")):
        value = {part: value}
    return dict(value)
