"""Reads YAML as settings use it: texts, numbers, true and false, lists and named values. Anything else is refused.

In plain YAML the second of two equal names silently replaces the first; sets, dates and other types are no settings; and an
anchor that contains itself, or is repeated many times, never ends or fills the memory.
"""

from __future__ import annotations

import re
from typing import Any

import yaml

MOST_VALUES = 10_000
"""Most values in a file; those of repeated anchors are counted each time."""
DEEPEST = 30
"""Most levels of nesting in a file."""
_KINDS = {f"tag:yaml.org,2002:{name}" for name in ("null", "bool", "int", "float", "str", "seq", "map", "merge")}


class YamlError(ValueError):
    """A text is not YAML, or uses more of YAML than settings do. The message has one line."""


def read_yaml(text: str) -> Any:
    """The content of a YAML text as plain Python values.

    Raises:
        YamlError: The text cannot be read.
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
    """A YAML loader limited to what settings use."""

    def __init__(self, stream: Any) -> None:
        super().__init__(stream)
        self._depth = 0
        self._sizes: dict[int, int] = {}

    def compose_node(self, parent: Any, index: Any) -> yaml.Node | None:
        """Composes a node, with bounded depth and size."""
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
        """Constructs a mapping in which no name occurs twice."""
        lines: dict[str, yaml.Mark] = {}
        for key, _ in node.value:
            if key.tag == "tag:yaml.org,2002:merge":
                continue
            if not isinstance(key, yaml.ScalarNode) or key.tag != "tag:yaml.org,2002:str":
                raise _refused("a name of a setting must be a text", key.start_mark)
            if key.value in lines:
                raise _refused(
                    f"{key.value!r} occurs twice, first in line {lines[key.value].line + 1}; put all of it in one place",
                    key.start_mark,
                )
            lines[key.value] = key.start_mark
        return super().construct_mapping(node, deep)


def _only(tag: str, pattern: str, first: str) -> None:
    """Lets a plain word have a type only if it has this form; in YAML 1.1, 1:30, 1_0 and 010 are numbers too."""
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
