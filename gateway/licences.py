"""Which licence binds whom: of the code, the weights, the media that go in and the video that comes out."""

from typing import Final, Literal

from pydantic import BaseModel, ConfigDict

Variant = Literal["1", "15", "16"]


class Licence(BaseModel):
    model_config = ConfigDict(frozen=True)

    subject: str
    licence: str
    """An SPDX identifier where there is one."""
    binds: str
    """What it means for whoever uses this service, in one sentence."""


class Weights(Licence):
    variant: Variant


_OPENRAIL: Final = (
    "CreativeML Open RAIL++-M: not Apache-2.0; its use restrictions bind you and whoever you give the model or its "
    "output to."
)
CODE: Final = Licence(subject="Lipstage's code", licence="Apache-2.0", binds="You may use, change and sell it.")
WEIGHTS: Final[dict[Variant, Weights]] = {
    "1": Weights(
        variant="1",
        subject="Lipstage demo",
        licence="Apache-2.0",
        binds="Trained by Lipstage on drawn faces and synthetic voices alone; as free as the code.",
    ),
    "15": Weights(variant="15", subject="LatentSync 1.5", licence="openrail++", binds=_OPENRAIL),
    "16": Weights(variant="16", subject="LatentSync 1.6", licence="openrail++", binds=_OPENRAIL),
}
AUXILIARY: Final = (
    Licence(subject="Whisper tiny, with LatentSync 1.5 and 1.6", licence="MIT", binds="Keep its notice."),
    Licence(subject="sd-vae-ft-mse, with LatentSync 1.5 and 1.6", licence="MIT", binds="Keep its notice."),
    Licence(subject="FaceMesh and BlazeFace, the face detector", licence="Apache-2.0", binds="Keep its notice."),
)
MEDIA: Final = (
    "What you send stays yours and whoever's it was: you need the rights in the video and the voice, and the "
    "consent of the people in them. Sending it grants no licence beyond making this one result."
)
OUTPUT: Final = (
    "Neither Lipstage nor the weights' publisher claims rights in the result. You answer for its use, and where the "
    "weights are under openrail++ their use restrictions hold for it too."
)
