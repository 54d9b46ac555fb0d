"""YAML as people expect it: the core schema of YAML 1.2, and no surprises.

PyYAML reads YAML 1.1, where `1e-3` is a text, `no` is false, `010` is eight and `1:30` ninety, and
where the second of two equal keys wins. Here 1e-3 is a number, `true` and `false` are the only
truth values, a key that is given twice is an error, and there are no values but null, truth
values, numbers, texts, lists and mappings. What is written is quoted so that both kinds of readers
read the same.

Source: https://yaml.org/spec/1.2.2/#103-core-schema
"""

import re
from collections.abc import Hashable
from typing import Any, ClassVar, NoReturn

import yaml

from srkit.errors import ConfigError

_NUMBERS = {
    "tag:yaml.org,2002:int": r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+",
    "tag:yaml.org,2002:float": r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?"
    r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)",
}
_WORDS = {
    "tag:yaml.org,2002:null": ("", "~", "null", "Null", "NULL"),
    "tag:yaml.org,2002:bool": ("true", "True", "TRUE", "false", "False", "FALSE"),
    "tag:yaml.org,2002:merge": ("<<",),
}


class _Loader(yaml.SafeLoader):
    """Build plain values; refuse keys given twice and values that contain themselves."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 - declared by PyYAML
    yaml_constructors: ClassVar[dict[str | None, Any]] = {}

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._open: set[str] = set()

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        event = self.peek_event()  # type: ignore[no-untyped-call]
        anchor = getattr(event, "anchor", None)
        if anchor is None:
            return super().compose_node(parent, index)
        if isinstance(event, yaml.AliasEvent):
            if anchor in self._open:
                raise _mistake(event, f"*{anchor} stands inside of what it stands for")
            return super().compose_node(parent, index)
        self._open.add(anchor)
        try:
            return super().compose_node(parent, index)
        finally:
            self._open.discard(anchor)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen = set()
        for key, _ in node.value:
            if key.tag.endswith(":merge"):
                continue
            if not isinstance(key, yaml.ScalarNode):
                raise _mistake(key, "a key must be a word")
            if key.value in seen:
                raise _mistake(key, f"key {key.value!r} is given twice")
            seen.add(key.value)
        return super().construct_mapping(node, deep=deep)

    def construct_number(self, node: yaml.ScalarNode) -> int | float:
        """Read a number; a leading 0 means nothing."""
        text = str(self.construct_scalar(node))
        try:
            if node.tag.endswith(":int"):
                return int(text, 0 if text[:2] in ("0o", "0x") else 10)
            number: float = self.construct_yaml_float(node)
            return number
        except ValueError:
            raise _mistake(node, f"{text[:40]!r} is no such number") from None

    def refuse(self, node: yaml.Node) -> NoReturn:
        """Refuse every other tag."""
        tag = node.tag.replace("tag:yaml.org,2002:", "!!")
        raise _mistake(node, f"values of the kind {tag} have no place here")


class _Dumper(yaml.SafeDumper):
    """Write what YAML 1.1 and 1.2 both read as it was; nothing is abbreviated by an anchor."""

    def ignore_aliases(self, data: Any) -> bool:
        return True

    def represent_text(self, text: str) -> yaml.ScalarNode:
        """Write a text on one line, whatever is in it."""
        style = '"' if len(text.splitlines()) > 1 or not text.isprintable() else None
        return self.represent_scalar("tag:yaml.org,2002:str", text, style=style)


def _mistake(at: yaml.Node | yaml.Event, problem: str) -> yaml.MarkedYAMLError:
    mark: Any = at.start_mark
    return yaml.MarkedYAMLError(problem=problem, problem_mark=mark)


for _name in ("null", "bool", "str", "seq", "map"):
    _tag = f"tag:yaml.org,2002:{_name}"
    _Loader.add_constructor(_tag, yaml.SafeLoader.yaml_constructors[_tag])
for _tag in _NUMBERS:
    _Loader.add_constructor(_tag, _Loader.construct_number)
_Loader.add_constructor(None, _Loader.refuse)
_Dumper.add_representer(str, _Dumper.represent_text)
for _tag, _choices in _WORDS.items():
    _pattern = re.compile(f"^(?:{'|'.join(map(re.escape, _choices))})$")
    _Loader.add_implicit_resolver(_tag, _pattern, [choice[:1] for choice in _choices])
for _tag, _numbers in _NUMBERS.items():
    for _class in (_Loader, _Dumper):
        _class.add_implicit_resolver(_tag, re.compile(f"^(?:{_numbers})$"), list("-+.0123456789"))


def read_yaml(text: str, source: str) -> Any:
    """Read a document; an empty one is None.

    Raises: ConfigError naming the source, the line where there are several, and the reason.

    >>> read_yaml("lr: 1e-3", "it")
    {'lr': 0.001}
    """
    try:
        return yaml.load(text, _Loader)  # noqa: S506 - derived from SafeLoader
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        reason = ", ".join(part for part in (error.context, error.problem) if part)
        line = 0 if mark is None else mark.line
    except yaml.reader.ReaderError as error:
        reason = f"character U+{int(error.character):04X} cannot stand in it"
        line = text.count("\n", 0, error.position)
    except RecursionError:
        raise ConfigError(f"{source}: not YAML: lists within lists beyond all measure") from None
    where = f"{source}, line {line + 1}" if "\n" in text.strip() else source
    raise ConfigError(f"{where}: not YAML: {reason}")


def flow(value: Any) -> str:
    """Write a value on one line.

    >>> flow([1e-05, "no", None, "1e-3"])
    "[1.0e-05, 'no', null, '1e-3']"
    """
    text: str = yaml.dump(
        value,
        Dumper=_Dumper,
        default_flow_style=True,
        allow_unicode=True,
        width=float("inf"),
        sort_keys=False,
    )
    return text.removesuffix("\n").removesuffix("\n...")
