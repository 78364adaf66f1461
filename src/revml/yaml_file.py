"""YAML files read into frozen models, with errors that name the file, the key and the way out.

Comes in: a path and a pydantic model. Goes out: a validated model. A key that stands twice, a key without a value, an
unknown key or name, a wrong value: each is a `ConfigError` in the user's words, never pydantic's.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Hashable, Iterable
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from revml.errors import ConfigError

ModelT = TypeVar("ModelT", bound=BaseModel)

_SHAPES = {
    "tuple_type": "a list was expected, such as [30, 60]",
    "dict_type": "a mapping was expected (key: value)",
    "model_type": "a mapping was expected (key: value)",
    "model_attributes_type": "a mapping was expected (key: value)",
}
_EXAMPLE = "write it as in the file of this kind that `revml init DIR` writes"


class _OneKeyOnce(yaml.SafeLoader):
    """The safe loader, except that a key that stands twice in one mapping is an error and not the last one's win."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        """A mapping whose keys are all different."""
        seen = set()
        for key_node, _ in node.value:
            key = key_node.value
            if key in seen and key_node.tag != "tag:yaml.org,2002:merge":
                raise yaml.MarkedYAMLError(problem=f"the key {key!r} stands twice", problem_mark=key_node.start_mark)
            seen.add(key)
        return super().construct_mapping(node, deep=deep)


def read_yaml(path: Path, model: type[ModelT], *, hint: str = _EXAMPLE) -> ModelT:
    """Read a YAML file into a frozen model, with errors that name file, key and way out.

    Args:
        hint: the way out where a value is wrong in itself.

    Raises:
        ConfigError: missing file, broken YAML, unknown key, wrong value.
    """
    try:
        raw = yaml.load(path.read_text(encoding="utf-8"), Loader=_OneKeyOnce)  # noqa: S506 - a safe loader
    except FileNotFoundError:
        raise ConfigError(
            "there is no such file",
            where=str(path),
            wanted=f"the file of a {_words(model)}",
            got="nothing at that path",
            do="`revml init DIR` writes a workspace with all its files",
        ) from None
    except OSError as error:
        raise ConfigError(
            "this file cannot be read",
            where=str(path),
            got=error.strerror or str(error),
            do="name a YAML file that you may read",
        ) from None
    except (yaml.YAMLError, ValueError) as error:
        raise ConfigError("this is not YAML", where=str(path), got=_place(error), do="mend the line it names") from None
    if raw is None:
        raw = {}
    if not isinstance(raw, dict):
        raise ConfigError(
            "a mapping was expected",
            where=str(path),
            wanted="key: value",
            got=type(raw).__name__,
            do="begin the file with a key, as the file that `revml init DIR` writes does",
        )
    return validated(raw, model, where=str(path), hint=hint)


def validated(raw: object, model: type[ModelT], *, where: str, hint: str = _EXAMPLE) -> ModelT:
    """What was read as a frozen model; `where` is the place that errors begin with.

    Raises:
        ConfigError: unknown key, wrong value.
    """
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        raise _explain(error, where, model, hint) from None


def _place(error: Exception) -> str:
    """Line, column and problem of a YAML error."""
    if not isinstance(error, yaml.MarkedYAMLError):
        return str(error)
    told = [
        f"line {mark.line + 1}, column {mark.column + 1}: {words}" if mark else words
        for words, mark in ((error.context, error.context_mark), (error.problem, error.problem_mark))
        if words
    ]
    return "; ".join(told)


def nearest(word: str, known: Iterable[str]) -> str:
    """`did you mean 'x'?` for the known word that is nearest, or nothing.

    >>> nearest("chrun", ["churn", "upsell"]), nearest("xyz", ["churn"])
    ("did you mean 'churn'?", '')
    """
    close = difflib.get_close_matches(word, [str(k) for k in known], n=1)
    return f"did you mean {close[0]!r}?" if close else ""


def _explain(error: ValidationError, place: str, model: type[BaseModel], hint: str) -> ConfigError:
    # An unknown key is often the misspelt one that is missing: it is told first.
    first = min(error.errors(include_url=False), key=lambda one: one["type"] != "extra_forbidden")
    loc, kind = first["loc"], first["type"]
    more = f" ({error.error_count() - 1} more after this one)" if error.error_count() > 1 else ""
    where = ": ".join(part for part in (place, ".".join(str(part) for part in loc)) if part)
    if kind == "extra_forbidden":
        key = str(loc[-1])
        known = _keys_at(model, loc[:-1])
        return ConfigError(
            f"unknown key {key!r}{more}",
            where=where,
            wanted=", ".join(known),
            got=key,
            do=nearest(key, known) or "remove it, or use one of the known keys",
        )
    if kind == "literal_error":
        name, known = str(first["input"]), re.findall(r"'([^']*)'", first["ctx"]["expected"])
        of_key = loc[-1] == "[key]"
        return ConfigError(
            f"unknown name {name!r}{more}",
            where=f"{place}: {'.'.join(str(part) for part in (loc[:-2] if of_key else loc))}",
            wanted=", ".join(known),
            got=name,
            do=nearest(name, known) or "use one of these names",
        )
    if kind == "missing":
        return ConfigError(
            f"the key {str(loc[-1])!r} is missing{more}",
            where=where,
            wanted=f"{loc[-1]}: ...",
            got=", ".join(str(key) for key in first["input"]) or "no key" if isinstance(first["input"], dict) else "",
            do="add it",
        )
    if first["input"] is None:
        return ConfigError(
            f"the key has no value{more}",
            where=where,
            wanted="a value",
            got="nothing",
            do="give it one, write {} for all defaults, or remove the key",
        )
    message = _SHAPES.get(kind, first["msg"].removeprefix("Value error, "))
    return ConfigError(f"{message}{more}", where=where, got=repr(first["input"])[:120], do=hint)


def _words(model: type[BaseModel]) -> str:
    """`ModelSheet` as `model sheet`."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", model.__name__).lower()


def _keys_at(model: type[BaseModel], loc: tuple[int | str, ...]) -> list[str]:
    """The keys allowed at a place inside a model, for the 'did you mean' of an unknown key."""
    current: Any = model
    for part in loc:
        fields = getattr(current, "model_fields", None)
        if fields and part in fields:
            current = _model_in(fields[str(part)].annotation)
        elif not fields:
            break
    return list(getattr(current, "model_fields", {}))


def _model_in(annotation: Any) -> Any:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for inner in getattr(annotation, "__args__", ()):
        found = _model_in(inner)
        if found is not None:
            return found
    return None
