"""Draws messages: in every field anything that its type and bounds allow, or a choice of it."""

from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

from annotated_types import Ge, Le, Lt
from hypothesis import strategies as st
from pydantic.fields import FieldInfo

from services.common.messages import Message

_LARGEST_COUNT = 2**32 - 1
_LONGEST = 3
_Bounds = dict[str, Any]


def any_message(kind: type[Message]) -> st.SearchStrategy[Any]:
    """Messages of the class, built field by field so that fields added to it are drawn as well."""
    fields = {name: _field(name, field) for name, field in kind.model_fields.items()}
    return st.fixed_dictionaries(fields).filter(_is_valid_span).map(kind.model_validate)


def _field(name: str, field: FieldInfo) -> st.SearchStrategy[Any]:
    if name == "guidance_interval":
        return st.tuples(_fractions(), _fractions()).map(sorted).map(tuple)
    if name == "suffix":
        return st.sampled_from([".mp4", ".mov", ".mkv"])  # .webm does not go with every codec
    if name == "speaker":
        return st.sampled_from(["largest", "track:12", "point:0.25,1", "box:0,0,0.5,1"])
    bounds: _Bounds = {}
    for bound in field.metadata:
        match bound:
            case Ge():
                bounds["min_value"] = bound.ge
            case Le():
                bounds["max_value"] = bound.le
            case Lt():
                bounds["max_value"] = int(str(bound.lt)) - 1
    return _drawn(field.annotation, bounds)


def _drawn(annotation: Any, bounds: _Bounds) -> st.SearchStrategy[Any]:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return st.sampled_from(arguments)
    if origin in (Union, UnionType):
        return st.one_of(*(_drawn(argument, bounds) for argument in arguments))
    if origin is tuple:
        return st.lists(_drawn(arguments[0], {}), max_size=_LONGEST).map(tuple)
    if origin is frozenset:
        return st.frozensets(_drawn(arguments[0], {}), max_size=_LONGEST)
    if origin is dict:
        return st.dictionaries(_drawn(arguments[0], {}), _drawn(arguments[1], {}), max_size=_LONGEST)
    if isinstance(annotation, type) and issubclass(annotation, Message):
        return any_message(annotation)
    return {
        str: st.text,
        bool: st.booleans,
        NoneType: st.none,
        int: lambda: st.integers(**{"min_value": 0, "max_value": _LARGEST_COUNT} | bounds),
        float: lambda: st.floats(allow_nan=False, **bounds),
    }[annotation]()


def _fractions() -> st.SearchStrategy[float]:
    return st.floats(0, 1)


def _is_valid_span(values: dict[str, Any]) -> bool:
    return "start_s" not in values or values["start_s"] < values["end_s"]
