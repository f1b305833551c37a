"""YAML as settings use it: texts, numbers, true and false, lists and named values. What is more than that is refused.

A name that stands twice would win over the first without a word; sets, dates and other types are no settings; an anchor that holds
itself, or that is repeated over and over, has no end or fills the memory.
"""

from __future__ import annotations

import re
from typing import Any

import yaml

MOST_VALUES = 10_000
"""Values of a file, those of repeated anchors counted each time."""
DEEPEST = 30
"""Levels of a file."""
_KINDS = {f"tag:yaml.org,2002:{name}" for name in ("null", "bool", "int", "float", "str", "seq", "map", "merge")}


class YamlError(ValueError):
    """A text is no YAML, or more than settings use; one line."""


def read_yaml(text: str) -> Any:
    """What a text holds, in plain Python.

    Raises:
        YamlError: It cannot be read.
    """
    try:
        return yaml.load(text, Loader=_Loader)  # noqa: S506, it is a SafeLoader that refuses more
    except yaml.MarkedYAMLError as error:
        said = [error.context, error.problem]
        told = ", ".join(" ".join(part.split()) for part in said if part)
        raise YamlError(f"{told} ({_place(error.problem_mark)})" if error.problem_mark else told) from error
    except yaml.YAMLError as error:
        raise YamlError(" ".join(str(error).split())) from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, OverflowError) as error:
        raise YamlError(" ".join(str(error).split())) from error


class _Loader(yaml.SafeLoader):
    """Reads what settings use."""

    def __init__(self, stream: Any) -> None:
        super().__init__(stream)
        self._depth = 0
        self._sizes: dict[int, int] = {}

    def compose_node(self, parent: Any, index: Any) -> yaml.Node | None:
        """Reads a value, of bounded depth and size."""
        event: Any = self.peek_event()  # type: ignore[no-untyped-call]
        mark = event.start_mark
        if self.check_event(yaml.AliasEvent):
            name = event.anchor
            known = self.anchors.get(name)
            if known is not None and id(known) not in self._sizes:
                raise _refused(f"the anchor {name!r} holds itself", mark)
        self._depth += 1
        if self._depth > DEEPEST:
            raise _refused(f"more than {DEEPEST} levels", mark)
        node = super().compose_node(parent, index)
        self._depth -= 1
        if node is not None and id(node) not in self._sizes:
            inside = node.value if isinstance(node, yaml.CollectionNode) else []
            flat = [each for item in inside for each in (item if isinstance(item, tuple) else (item,))]
            self._sizes[id(node)] = 1 + sum(self._sizes[id(each)] for each in flat)
            if self._sizes[id(node)] > MOST_VALUES:
                raise _refused(f"more than {MOST_VALUES} values", node.start_mark)
            if node.tag not in _KINDS:
                kind = node.tag.removeprefix("tag:yaml.org,2002:")
                raise _refused(f"{kind!r} is no kind of a setting's value", node.start_mark)
        return node

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """The named values, each name once."""
        lines: dict[str, yaml.Mark] = {}
        for key, _ in node.value:
            if key.tag == "tag:yaml.org,2002:merge":
                continue
            if not isinstance(key, yaml.ScalarNode) or key.tag != "tag:yaml.org,2002:str":
                raise _refused("a name of a setting must be a text", key.start_mark)
            if key.value in lines:
                raise _refused(
                    f"{key.value!r} stands twice, first in line {lines[key.value].line + 1}; put all of it in one place",
                    key.start_mark,
                )
            lines[key.value] = key.start_mark
        return super().construct_mapping(node, deep)


def _only(tag: str, pattern: str, first: str) -> None:
    """Lets a plain word be of a kind only if it has this form; to YAML 1.1 also 1:30, 1_0 and 010 are numbers."""
    tag = f"tag:yaml.org,2002:{tag}"
    resolvers = _Loader.yaml_implicit_resolvers
    kept = {key: [each for each in found if each[0] != tag] for key, found in resolvers.items()}
    _Loader.yaml_implicit_resolvers = kept
    if pattern:
        _Loader.add_implicit_resolver(tag, re.compile(pattern), list(first))


_only("int", r"[-+]?(?:0|[1-9][0-9]{0,29})$", "-+0123456789")
_only(
    "float",
    r"[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?$|[-+]?[0-9]+[eE][-+]?[0-9]+$|[-+]?\.inf$",
    "-+.0123456789",
)
_only("timestamp", "", "")


def _refused(problem: str, mark: yaml.Mark) -> yaml.MarkedYAMLError:
    return yaml.MarkedYAMLError(problem=problem, problem_mark=mark)


def _place(mark: Any) -> str:
    return f"line {mark.line + 1}, column {mark.column + 1}"
