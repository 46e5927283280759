"""proto/lipstage/v1 and services/common/messages.py say the same."""

from typing import Any, Literal, get_args, get_origin

import pytest
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from pydantic.fields import FieldInfo

from lipstage.v1 import events_pb2, jobs_pb2, questions_pb2, tasks_pb2
from services.common.messages import JobTask, Message, Task

CLASSES = {
    kind.__name__: kind for kind in (*Message.__subclasses__(), *JobTask.__subclasses__()) if kind is not JobTask
}
ON_THE_WIRE_ALONE = {"Task", "GuidanceInterval", "FacesReply"}
TOLD_TO_CALLERS_ALONE = {"JOB_STATE_CREATED"}
MESSAGES: dict[str, Descriptor] = {
    name: message
    for file in (jobs_pb2, tasks_pb2, events_pb2, questions_pb2)
    for name, message in file.DESCRIPTOR.message_types_by_name.items()
}
FIELDS = [
    pytest.param(field, CLASSES[name].model_fields[field.name], id=f"{name}.{field.name}")
    for name in sorted(MESSAGES.keys() & CLASSES.keys())
    for field in MESSAGES[name].fields
    if field.name in CLASSES[name].model_fields
]
ENUMS = [case for case in FIELDS if case.values[0].enum_type is not None]


def test_every_class_has_a_message_and_every_message_a_class() -> None:
    assert set(MESSAGES) == set(CLASSES) | ON_THE_WIRE_ALONE


@pytest.mark.parametrize("name", CLASSES)
def test_a_class_and_its_message_have_the_same_fields(name: str) -> None:
    assert {field.name for field in MESSAGES[name].fields} == set(CLASSES[name].model_fields) - {"kind"}


def test_every_kind_of_task_has_its_place_in_the_envelope() -> None:
    places = {field.name: field.message_type.name for field in MESSAGES["Task"].oneofs_by_name["kind"].fields}

    assert places == {kind.model_fields["kind"].default: kind.__name__ for kind in get_args(Task)}


@pytest.mark.parametrize(("field", "namesake"), FIELDS)
def test_an_absent_field_can_stand_for_the_default(field: FieldDescriptor, namesake: FieldInfo) -> None:
    if field.is_repeated:
        assert namesake.is_required() or not namesake.default
    else:
        assert field.has_presence or field.enum_type is not None


@pytest.mark.parametrize(("field", "namesake"), ENUMS)
def test_an_enum_has_the_same_values(field: FieldDescriptor, namesake: FieldInfo) -> None:
    prefix = field.enum_type.values_by_number[0].name.removesuffix("UNSPECIFIED")
    words = {word.upper().replace("+", "_PLUS") for word in _words(namesake.annotation)}

    assert {value.name for value in field.enum_type.values} - TOLD_TO_CALLERS_ALONE == {
        prefix + word for word in words | {"UNSPECIFIED"}
    }


def _words(annotation: Any) -> tuple[str, ...]:
    """The values of a Literal, which may be one of a union's parts."""
    if get_origin(annotation) is Literal:
        return get_args(annotation)
    return next(words for part in get_args(annotation) if (words := _words(part)))
