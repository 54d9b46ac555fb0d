"""YAML as people expect it: the core schema of YAML 1.2, and no surprises.

PyYAML reads YAML 1.1, where `1e-3` is a text, `no` is false, `010` is eight and `1:30` ninety, and
where the second of two equal keys wins. Here 1e-3 is a number, `true` and `false` are the only
truth values, a key that is given twice is an error, `<<` merges nothing, and there are no values
but null, truth values, numbers, texts, lists and mappings. A short text cannot stand for a long
one: aliases count as what they stand for, against a limit. What is written is quoted so that both
kinds of readers read the same.

Source: https://yaml.org/spec/1.2.2/#103-core-schema
"""

import re
from typing import Any, ClassVar, NoReturn

import yaml

from srkit.errors import ConfigError

MOST_VALUES = 10_000
DEEPEST = 32  # sections within sections; the deepest key of a configuration is at 5

_NUMBERS = {
    "tag:yaml.org,2002:int": r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+",
    "tag:yaml.org,2002:float": r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?"
    r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)",
}
_WORDS = {
    "tag:yaml.org,2002:null": ("", "~", "null", "Null", "NULL"),
    "tag:yaml.org,2002:bool": ("true", "True", "TRUE", "false", "False", "FALSE"),
}


class _Loader(yaml.SafeLoader):
    """Build plain values; refuse keys given twice, and values that are too many or too deep."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 - declared by PyYAML
    yaml_constructors: ClassVar[dict[str | None, Any]] = {}

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._values = self._depth = 0
        self._sizes: dict[str, int] = {}  # values under each anchor; 0 while it is being composed

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        event = self.peek_event()  # type: ignore[no-untyped-call]
        anchor = getattr(event, "anchor", None)
        before = self._values
        if isinstance(event, yaml.AliasEvent) and anchor in self._sizes:
            self._values += self._sizes[anchor]
            if self._values == before:
                raise _mistake(event, f"*{anchor} stands inside of what it stands for")
        else:
            self._values += 1
        if self._values > MOST_VALUES:
            raise _mistake(event, f"more than {MOST_VALUES:,} values")
        if self._depth == DEEPEST:
            raise _mistake(event, f"more than {DEEPEST} lists or sections within each other")
        if isinstance(event, yaml.AliasEvent):
            return super().compose_node(parent, index)
        if anchor is not None:
            self._sizes[anchor] = 0
        self._depth += 1
        node = super().compose_node(parent, index)
        self._depth -= 1
        if anchor is not None:
            self._sizes[anchor] = self._values - before
        return node

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        node = super().compose_mapping_node(anchor)
        seen = set()
        for key, _ in node.value:
            if not key.tag.endswith(":str"):
                raise _mistake(key, "a key must be a word")
            if key.value in seen:
                raise _mistake(key, f"key {key.value!r} is given twice")
            seen.add(key.value)
        return node

    def construct_truth(self, node: yaml.ScalarNode) -> bool:
        """Read a truth value."""
        text = str(self.construct_scalar(node))
        if text not in _WORDS["tag:yaml.org,2002:bool"]:
            raise _mistake(node, f"{text[:40]!r} is no truth value")
        return text.lower() == "true"

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


class _Mistake(yaml.MarkedYAMLError):
    """Something that is YAML, but not what we read."""


def _mistake(at: yaml.Node | yaml.Event, problem: str) -> _Mistake:
    mark: Any = at.start_mark
    return _Mistake(problem=problem, problem_mark=mark)


for _name in ("null", "str", "seq", "map"):
    _tag = f"tag:yaml.org,2002:{_name}"
    _Loader.add_constructor(_tag, yaml.SafeLoader.yaml_constructors[_tag])
_Loader.add_constructor("tag:yaml.org,2002:bool", _Loader.construct_truth)
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
        if not isinstance(error, _Mistake):
            reason = f"not YAML: {reason}"
        line = 0 if mark is None else mark.line
    except yaml.reader.ReaderError as error:
        reason = f"not YAML: character U+{int(error.character):04X} cannot stand in it"
        line = text.count("\n", 0, error.position)
    where = f"{source}, line {line + 1}" if "\n" in text.strip() else source
    raise ConfigError(f"{where}: {reason}")


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
