"""Settings from YAML files and the command line. jsonargparse parses and documents them; all faults are reported at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nas.errors import SettingsError, unknown_name
from nas.settings.axes import without_outvoted
from nas.settings.former import renewed
from nas.settings.given import Given
from nas.settings.nearest import nearest_settings
from nas.values.local_path import local_path, path_fault
from nas.values.redaction import HIDDEN, redact, redact_word
from nas.values.typed_value import shown, typed
from nas.watchers.console import tell, visible

if TYPE_CHECKING:
    from jsonargparse import ArgumentParser

CONFIGS = Path(__file__).parent.parent / "configs"
MOST_BYTES = 1_000_000
"""Most bytes of a file of settings."""
LONGEST_FAULT = 600
"""Most characters of a message about one setting."""
LONGEST_KEY = 100
"""Most characters of a setting's name that a message shows."""


def config_names(ready: Path = CONFIGS) -> list[str]:
    """The names of the ready configs in a folder."""
    return sorted(path.stem for path in ready.glob("*.yaml"))


def config_path(name: str, ready: Path = CONFIGS) -> Path:
    """The file of a ready config, given by its name or as a file.

    Raises:
        SettingsError: There is no such config or file; the message lists the ready configs.
    """
    names = config_names(ready)
    if name in names:
        return ready / f"{name}.yaml"
    fault = path_fault(name)
    if fault:
        raise SettingsError(f"--config: {shown(name)} {fault}; allowed: {', '.join(names)}, or the path of a YAML file")
    try:
        if local_path(name).is_file():
            return local_path(name)
    except OSError as error:
        raise SettingsError(f"--config {name}: cannot be read: {error.strerror or error}") from error
    raise SettingsError("--config: " + unknown_name("config", name, names) + ", or the path of a YAML file")


@dataclass(frozen=True, slots=True, kw_only=True)
class Variants:
    """The settings that exist, which may depend on the value of one of them."""

    parser: Callable[[Any], ArgumentParser]
    """Makes the parser of all settings, with types, defaults and help, for a value of `key`; for an unknown value, that of the
    default.
    """
    key: str = ""
    """Name of the setting that the others depend on; empty if there is no such setting."""
    foreign_fault: Callable[[Any, str, Any], str | None] = lambda _chosen, _key, _value: ""
    """Takes the value of `key`, and name and value of a setting that is unknown for it. Returns in words what is wrong with
    giving it, None if it can be ignored, or an empty text if no value of `key` has such a setting.
    """


def parse(
    variants: Variants,
    argv: Sequence[str],
    check: Callable[[Any], list[str]],
    default_config: str,
    tied: Mapping[str, Sequence[str]],
    ready: Path = CONFIGS,
) -> Any:
    """Merges defaults, config and flags, later ones winning, into a namespace whose groups of settings are dataclasses.

    Args:
        variants: The settings that exist.
        argv: The command line without the program's name.
        check: Returns faults of settings that are well-typed, such as values out of range.
        default_config: Name of the config that is used without `--config`.
        tied: Settings that are meaningful only for one value of another setting, by the name of that other setting: if
            a flag gives that one a different value from the config, their values in the config are ignored.
        ready: Folder of the configs that can be given by name.

    Raises:
        SettingsError: Settings are unknown, ill-typed or out of range; the message lists all of them.
        SystemExit: `--help` was asked for (status 0).
    """
    help_wanted = "-h" in argv or "--help" in argv
    flags, faults = _read_flags([word for word in argv if word not in ("-h", "--help")])
    config = next((flag.value for flag in reversed(flags) if flag.key == "config"), default_config)
    try:
        configured = _read_config(config_path(config, ready))
    except SettingsError as error:
        configured = []
        faults.append(str(error))
    chosen = next((item.value for item in (*flags[::-1], *configured[::-1]) if item.key == variants.key), None)
    parser = variants.parser(chosen)
    chosen = chosen if chosen is not None or not variants.key else parser.get_defaults()[variants.key]
    if help_wanted:
        parser.parse_args(["--help"])
    kinds = _kinds(parser)
    groups = frozenset(key.partition(".")[0] for key in kinds if "." in key)
    configured = [item for item in configured if not (item.value is None and item.key in groups)]
    given = [*_still_meant(configured, flags, tied, variants.key, kinds), *flags]
    try:
        given, told = renewed(without_outvoted(given))
        if told:
            tell(told)
    except SettingsError as error:
        faults.append(str(error))
    settings = parser.get_defaults()
    for item in given:
        # One at a time and in order, so that an ill-typed value does not hide faults of the others.
        try:
            if item.key in kinds or not _is_left_out(item, variants, chosen):
                settings[item.key] = _value(item, kinds)
        except SettingsError as error:
            faults.append(str(error))
    settings["config"] = config
    whole = parser.instantiate(settings)
    faults += check(whole)
    _require_none(faults)
    return whole


def _kinds(parser: ArgumentParser) -> dict[str, Any]:
    """The type of each setting, by the name of the setting."""
    hints = ((action.dest, getattr(action, "_typehint", None)) for action in parser._actions)
    return {name: kind for name, kind in hints if kind is not None}


def _require_none(faults: Sequence[str]) -> None:
    """Raises a SettingsError that lists the faults, if there are any."""
    if faults:
        # A value that was meant for --search.storage may have been given under another name.
        told = [_one_line(redact(fault)) for fault in faults]
        raise SettingsError(told[0] if len(told) == 1 else "\n  ".join(["several settings are wrong:", *told]))


def _is_left_out(item: Given, variants: Variants, chosen: Any) -> bool:
    """Whether an unknown setting belongs to another variant and has its default value.

    Raises:
        SettingsError: The setting belongs to another variant and does not have its default value.
    """
    group = f"{variants.key.rpartition('.')[0]}."
    if not variants.key or not item.key.startswith(group):
        return False
    fault = variants.foreign_fault(chosen, item.key.removeprefix(group), _read_value(item))
    if fault:
        raise SettingsError(f"{item.where}: {fault}")
    return fault is None


def _still_meant(
    configured: Sequence[Given],
    flags: Sequence[Given],
    tied: Mapping[str, Sequence[str]],
    variant: str,
    kinds: Mapping[str, Any],
) -> list[Given]:
    """The config without the values that are meaningful only for a setting that a flag has changed."""
    values = {item.key: item.value for item in configured}
    changed = {flag.key for flag in flags if flag.key in tied and flag.value != values.get(flag.key, flag.value)}
    dropped = {key for name in changed for key in tied[name]}
    group = f"{variant.rpartition('.')[0]}."
    return [
        item
        for item in configured
        if item.key not in dropped and not (variant in changed and item.key.startswith(group) and item.key not in kinds)
    ]


def _read_flags(argv: Sequence[str]) -> tuple[list[Given], list[str]]:
    flags: list[Given] = []
    faults: list[str] = []
    words = list(argv)
    key = ""
    while words:
        word = words.pop(0)
        if not word.startswith("--"):
            # A word after a storage may be the rest of its URL, and so of its password.
            what = HIDDEN if "storage" in key else shown(word)
            faults.append(f"unexpected argument {what}: settings are given as --name VALUE")
            continue
        key, equals, text = word[2:].partition("=")
        if not equals:
            if words and not words[0].startswith("--"):
                text = words.pop(0)
            elif key == "dry_run":
                text = "true"
        if text:
            flags.append(Given(key, text, ""))
        else:
            faults.append(f"--{_cut(redact_word(key))}: a value is missing")
    return flags, faults


def _read_config(path: Path) -> list[Given]:
    from nas.values.yaml_text import YamlError, read_yaml

    try:
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
        if len(content) > MOST_BYTES:
            raise SettingsError(f"--config {path}: has more than {MOST_BYTES} bytes; allowed: a YAML file of settings")
        found = read_yaml(content.decode("utf-8")) or {}
    except (OSError, UnicodeDecodeError, YamlError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise SettingsError(f"--config {path}: cannot be read: {redact(reason)}") from error
    if not isinstance(found, dict):
        raise SettingsError(f"--config {path}: must hold settings by name, got {type(found).__name__}")
    given = [Given(key, value, path.name) for key, value in _leaves(found, "")]
    twice = [key for key, times in Counter(item.key for item in given).items() if times > 1]
    if twice:
        raise SettingsError(f"--config {path}: {_cut(twice[0])} stands twice; give it once")
    return given


def _value(item: Given, kinds: Mapping[str, Any]) -> Any:
    """The value converted to its setting's type."""
    if item.key not in kinds:
        near = nearest_settings(item.key[:LONGEST_KEY], list(kinds))
        hint = f"; did you mean --{' or --'.join(near)}?" if near else "; see --help for those there are"
        raise SettingsError(f"{_cut(redact_word(item.where))}: no such setting{hint}")
    kind = kinds[item.key]
    try:
        return typed(item.value if kind is str or kind == str | None else _read_value(item), kind)
    except ValueError as error:
        raise SettingsError(f"{item.where}: {error}") from None


def _read_value(item: Given) -> Any:
    """The value, where a list on the command line is read as a list."""
    from nas.values.yaml_text import YamlError, read_yaml

    try:
        return read_yaml(item.value) if item.source == "" and item.value[:1] in ("[", "{") else item.value
    except YamlError:
        raise SettingsError(f"{item.where}: {shown(item.value)} is not a list that can be read") from None


def _one_line(fault: str) -> str:
    """A fault in one line. If it is too long, its end is kept, which says what is allowed."""
    line = visible(fault.strip()).replace("\n", "\\n").replace("\t", "\\t")
    return line if len(line) <= LONGEST_FAULT else f"{line[: LONGEST_FAULT - 200]} ... {line[-200:]}"


def _cut(name: str) -> str:
    """The name of a setting, shortened for messages."""
    return name if len(name) <= LONGEST_KEY else name[:LONGEST_KEY] + "..."


def _leaves(nested: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    """The values by dotted name. A group whose lines are all commented out is read as None."""
    for key, value in nested.items():
        if isinstance(value, Mapping) and value:
            yield from _leaves(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value
