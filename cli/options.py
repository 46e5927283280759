"""What can be asked of a dub on the command line, for every command that starts one."""

import functools
import inspect
import re
from collections.abc import Callable
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ValidationError
from typer import Option

from cli.variants import variant_number
from services.common.errors import InvalidParameter
from services.common.messages import (
    Codec,
    DubParameters,
    LengthPolicy,
    Mode,
    OutputParameters,
    Preset,
    SchedulerName,
    Span,
)

M = TypeVar("M", bound=BaseModel)


def dub_parameters(
    variant: Annotated[str, Option(help="demo, 1.5 or 1.6; `lipstage doctor` recommends one.")] = "demo",
    mode: Annotated[Mode, Option(help="studio: at its best; reference: as LatentSync itself does.")] = "studio",
    steps: Annotated[int, Option(help="Denoising steps.")] = 20,
    guidance: Annotated[float, Option(help="Guidance scale; up to 1 means none, at half the cost.")] = 1.5,
    guidance_interval: Annotated[str, Option(help="The part of the steps that is guided.")] = "0,1",
    scheduler: Annotated[SchedulerName, Option(help="Sampler.")] = "ddim",
    deepcache: Annotated[int, Option(help="Evaluate the whole UNet only every N steps; the reference uses 3.")] = 1,
    seed: Annotated[int, Option(help="Same seed, same bytes.")] = 1247,
    length: Annotated[LengthPolicy, Option(help="What to do where video and voice differ in length.")] = "bounce",
    segment: Annotated[list[str] | None, Option(help="Dub only this span, such as 1.5-4 (s); repeatable.")] = None,
    speaker: Annotated[str, Option(help="largest, point:X,Y, box:X0,Y0,X1,Y1 (0 to 1) or track:N.")] = "largest",
    codec: Annotated[Codec, Option(help="auto: H.264, HEVC for more than 8 bits, AV1 in .webm.")] = "auto",
    crf: Annotated[int, Option(help="Encoder quality; lower is better.")] = 18,
    preset: Annotated[Preset, Option(help="Encoder effort.")] = "medium",
) -> DubParameters:
    """Raises InvalidParameter with the first thing that is wrong."""
    return checked(
        DubParameters,
        variant=variant_number(variant),
        mode=mode,
        seed=seed,
        steps=steps,
        scheduler=scheduler,
        guidance_scale=guidance,
        guidance_interval=_pair(guidance_interval, ",", "--guidance-interval"),
        deepcache_interval=deepcache,
        length=length,
        segments=tuple(_span(text) for text in segment or ()),
        speaker=speaker,
        output=checked(OutputParameters, codec=codec, crf=crf, preset=preset),
    )


def asking(command: Callable[..., None]) -> Callable[..., None]:
    """`command`, whose parameter `asked` is a DubParameters, with the options of `dub_parameters` in its place."""
    own, options = inspect.signature(command), inspect.signature(dub_parameters)

    @functools.wraps(command)
    def with_options(**values: Any) -> None:
        asked = dub_parameters(**{name: values.pop(name) for name in options.parameters})
        command(**values, asked=asked)

    kept = [parameter for name, parameter in own.parameters.items() if name != "asked"]
    merged = sorted([*kept, *options.parameters.values()], key=lambda parameter: parameter.default is not own.empty)
    with_options.__signature__ = own.replace(parameters=merged)  # type: ignore[attr-defined]
    with_options.__annotations__ = {parameter.name: parameter.annotation for parameter in merged}
    return with_options


def in_container(asked: DubParameters, suffix: str) -> DubParameters:
    """Raises InvalidParameter when the codec that was asked for does not fit."""
    output = checked(OutputParameters, **{**asked.output.model_dump(), "suffix": suffix.lower()})
    return asked.model_copy(update={"output": output})


def checked(model: type[M], **values: object) -> M:
    """Raises InvalidParameter with the first thing that is wrong."""
    try:
        return model.model_validate(values)
    except ValidationError as error:
        wrong = error.errors()[0]
        name = ".".join(str(part) for part in wrong["loc"]) or "parameters"
        told = wrong["msg"].removeprefix("Value error, ").rstrip(".")
        raise InvalidParameter(f"{name}: {told}.", parameter=name) from error


def _span(text: str) -> Span:
    start_s, end_s = _pair(text, "-", "--segment")
    return checked(Span, start_s=start_s, end_s=end_s)


def _pair(text: str, separator: str, option: str) -> tuple[float, float]:
    number = r"\s*(\d+(?:\.\d*)?|\.\d+)\s*"
    match = re.fullmatch(f"{number}{re.escape(separator)}{number}", text)
    if not match:
        raise InvalidParameter(f"{option} takes two numbers such as 0.5{separator}2, not “{text}”.", option=option)
    return float(match[1]), float(match[2])
