"""What crosses the bus, and records, as protobuf bytes: the messages of proto/lipstage/v1, under the same names.

Field by field; floats and integers survive exactly, and equal values give equal bytes. An absent field is read as its
default, one of a newer version is passed over: two versions can run side by side (docs/api/messages.md).
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeVar, get_args

from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor
from google.protobuf.message import DecodeError
from google.protobuf.message import Message as WireMessage
from pydantic import ValidationError

from lipstage.v1.events_pb2 import JobEvent as WireEvent
from lipstage.v1.jobs_pb2 import GuidanceInterval
from lipstage.v1.jobs_pb2 import JobRecord as WireRecord
from lipstage.v1.questions_pb2 import FacesQuestion as WireQuestion
from lipstage.v1.questions_pb2 import FacesReply as WireReply
from lipstage.v1.tasks_pb2 import Task as WireTask
from services.common.errors import MessageUnreadable
from services.common.messages import FacesAnswer, FacesQuestion, JobError, JobEvent, JobRecord, Message, Task

_Message = TypeVar("_Message", bound=Message)
_TASKS: dict[str, type[Task]] = {kind.model_fields["kind"].default: kind for kind in get_args(Task)}


def encode_task(task: Task) -> bytes:
    kind: dict[str, Any] = {task.kind: written(task, WireTask.DESCRIPTOR.fields_by_name[task.kind].message_type)}
    return _bytes(WireTask(**kind))


def decode_task(data: bytes) -> Task:
    """Raises MessageUnreadable, also for a task of a kind that this version does not know."""
    envelope = WireTask()
    _parse(envelope, data)
    kind = envelope.WhichOneof("kind")
    if kind is None:
        raise MessageUnreadable("A task is of no kind that this version knows.")
    return _read(_TASKS[kind], getattr(envelope, kind))


def encode_record(record: JobRecord) -> bytes:
    return _bytes(WireRecord(**written(record, WireRecord.DESCRIPTOR)))


def decode_record(data: bytes) -> JobRecord:
    """Raises MessageUnreadable."""
    message = WireRecord()
    _parse(message, data)
    return _read(JobRecord, message)


def encode_event(event: JobEvent) -> bytes:
    return _bytes(WireEvent(**written(event, WireEvent.DESCRIPTOR)))


def decode_event(data: bytes) -> JobEvent:
    """Raises MessageUnreadable."""
    message = WireEvent()
    _parse(message, data)
    return _read(JobEvent, message)


def encode_question(question: FacesQuestion) -> bytes:
    return _bytes(WireQuestion(**written(question, WireQuestion.DESCRIPTOR)))


def decode_question(data: bytes) -> FacesQuestion:
    """Raises MessageUnreadable."""
    message = WireQuestion()
    _parse(message, data)
    return _read(FacesQuestion, message)


def encode_reply(reply: FacesAnswer | JobError) -> bytes:
    kind = "error" if isinstance(reply, JobError) else "answer"
    fields: dict[str, Any] = {kind: written(reply, WireReply.DESCRIPTOR.fields_by_name[kind].message_type)}
    return _bytes(WireReply(**fields))


def decode_reply(data: bytes) -> FacesAnswer | JobError:
    """Raises MessageUnreadable."""
    envelope = WireReply()
    _parse(envelope, data)
    if envelope.WhichOneof("reply") == "error":
        return _read(JobError, envelope.error)
    return _read(FacesAnswer, envelope.answer)


def written(model: Message, descriptor: Descriptor) -> dict[str, Any]:
    """What the constructor of the message takes that `descriptor` describes."""
    values = ((field, getattr(model, field.name)) for field in _fields(descriptor))
    return {field.name: field.write(value) for field, value in values if value is not None}


def values_in(message: WireMessage) -> dict[str, Any]:
    """What the pydantic class of the same name is validated from: absent fields are left out."""
    present = {field.name for field, _ in message.ListFields()}
    return {
        field.name: field.read(getattr(message, field.name))
        for field in _fields(message.DESCRIPTOR)
        if field.repeated or field.name in present
    }


def _bytes(message: WireMessage) -> bytes:
    return message.SerializeToString(deterministic=True)


def _parse(message: WireMessage, data: bytes) -> None:
    try:
        message.ParseFromString(data)
    except DecodeError as damage:
        raise MessageUnreadable(f"Not a {message.DESCRIPTOR.name}: {damage}.") from damage


def _read(kind: type[_Message], message: WireMessage) -> _Message:
    try:
        return kind.model_validate(values_in(message))
    except ValidationError as refusal:
        first = refusal.errors()[0]
        place = ".".join(str(step) for step in first["loc"])
        raise MessageUnreadable(f"A {kind.__name__} cannot be read: {place}: {first['msg']}.") from refusal


@dataclass(frozen=True)
class _Field:
    name: str
    repeated: bool
    write: Callable[[Any], Any]
    """From the pydantic class's value to what the protobuf class's constructor takes."""
    read: Callable[[Any], Any]
    """From the protobuf message's value to what the pydantic class takes."""


@cache
def _fields(descriptor: Descriptor) -> tuple[_Field, ...]:
    return tuple(_field(field) for field in descriptor.fields)


def _field(field: FieldDescriptor) -> _Field:
    if not field.is_repeated:
        return _Field(field.name, False, *_one(field))
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        write, read = _one(field.message_type.fields_by_name["value"])
        return _Field(field.name, True, _each_value(write), _each_value(read))
    write, read = _one(field)
    if field.message_type is None and field.enum_type is None:
        # Whole lists: a call for each of a thousand numbers would be felt.
        return _Field(field.name, True, _in_order, lambda values: values[:])
    return _Field(field.name, True, _each(write), _each(read))


def _one(field: FieldDescriptor) -> tuple[Callable[[Any], Any], Callable[[Any], Any]]:
    """How one value of the field is written and read."""
    if field.message_type is GuidanceInterval.DESCRIPTOR:
        return lambda pair: GuidanceInterval(start=pair[0], stop=pair[1]), lambda message: (message.start, message.stop)
    if field.message_type is not None:
        return lambda model: written(model, field.message_type), values_in
    if field.enum_type is not None:
        names = _enum_names(field.enum_type)
        numbers = {name: number for number, name in names.items()}
        # An unknown number is left for the pydantic class to refuse.
        return numbers.__getitem__, lambda number: names.get(number, number)
    return _as_it_is, _as_it_is


def _enum_names(enum: EnumDescriptor) -> dict[int, str]:
    """What the pydantic classes call the enum's values: SCHEDULER_DPM_PLUS_PLUS is "dpm++"."""
    prefix = enum.values_by_number[0].name.removesuffix("UNSPECIFIED")
    return {
        value.number: value.name.removeprefix(prefix).lower().replace("_plus", "+")
        for value in enum.values
        if value.number != 0
    }


def _as_it_is(value: Any) -> Any:
    return value


def _in_order(values: Any) -> list[Any]:
    return sorted(values) if isinstance(values, frozenset) else list(values)


def _each(convert: Callable[[Any], Any]) -> Callable[[Any], list[Any]]:
    return lambda values: [convert(value) for value in values]


def _each_value(convert: Callable[[Any], Any]) -> Callable[[Any], dict[Any, Any]]:
    return lambda values: {key: convert(value) for key, value in values.items()}
