"""What tells one drawn person from another."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from training.synthetic.canvas import Light, Srgb
from training.synthetic.colours import DARK_HAIRS, HAIRS, IRISES, SKINS, blended, clipped, jittered, mixed, scaled

HairStyle = Literal["bald", "buzz", "short", "swept", "curly", "bob", "long", "tied"]
Glasses = Literal["none", "round", "square"]

_STYLES: tuple[HairStyle, ...] = ("bald", "buzz", "short", "swept", "curly", "bob", "long", "tied")
_STYLE_SHARES = (0.06, 0.10, 0.20, 0.16, 0.10, 0.14, 0.14, 0.10)
_MEN_ONLY: frozenset[HairStyle] = frozenset({"bald"})
_WOMEN_ONLY: frozenset[HairStyle] = frozenset({"bob", "long", "tied"})


@dataclass(frozen=True)
class Identity:
    """One person. Lengths in head units, colours sRGB, everything else as named."""

    skin: Srgb
    blush: float
    gloss: float
    face_width: float
    """1 is average; also `jaw_width` (the lower face, relative to the upper), `nose_width`."""
    jaw_width: float
    chin_y: float

    hair: HairStyle
    hair_colour: Srgb
    hair_volume: float
    """0 flat … 1 full."""
    hairline_y: float
    parting: float
    """Where the hair parts, −1 left … 1 right."""

    eye_x: float
    """Middle of the eye; also `eye_y`."""
    eye_y: float
    eye_width: float
    eye_height: float
    """Relative to the average opening."""
    eye_slant: float
    iris: Srgb
    brow_colour: Srgb
    brow_y: float
    """Above the eye."""
    brow_thickness: float
    brow_arch: float
    nose_width: float
    nose_y: float
    """Lower edge of the nose."""

    lip_colour: Srgb
    lip_upper: float
    """Height of the red of the upper lip at rest; also `lip_lower`."""
    lip_lower: float
    mouth_y: float
    mouth_half_width: float
    mouth_gap: float
    """Inner height of the mouth at its widest vowel."""
    teeth: Srgb

    beard: float
    """Coverage 0…1; also `moustache`."""
    moustache: float
    glasses: Glasses
    glasses_colour: Srgb

    light: Light
    background: tuple[Srgb, Srgb]
    background_angle_rad: float
    clothes: Srgb
    open_collar: bool


def draw_identity(rng: np.random.Generator) -> Identity:
    """A random person; the whole range of human skin, and hair, features and light that go with it."""
    between = rng.uniform
    darkness = between(0, 1)
    skin = jittered(rng, blended(SKINS, darkness), 4)
    man = bool(rng.random() < 0.5)
    style = _hair_style(rng, man)
    hair = HAIRS[int(rng.integers(DARK_HAIRS if rng.random() < 1.6 * darkness else len(HAIRS)))]
    hair_colour = jittered(rng, hair, 3)
    chin_y = between(0.98, 1.05)
    mouth_y = chin_y * 0.597 + between(-0.014, 0.014)
    bearded = man and rng.random() < 0.35
    return Identity(
        skin=skin,
        blush=between(0.4, 1.1),
        gloss=between(0.5, 1.1),
        face_width=between(0.93, 1.04) if man else between(0.90, 1.0),
        jaw_width=between(0.96, 1.07) if man else between(0.90, 0.99),
        chin_y=chin_y,
        hair=style,
        hair_colour=hair_colour,
        hair_volume=between(0, 1),
        hairline_y=between(-0.70, -0.58),
        parting=between(-0.6, 0.6),
        eye_x=between(0.283, 0.315),
        eye_y=between(-0.015, 0.015),
        eye_width=between(0.25, 0.30),
        eye_height=between(0.78, 1.1),
        eye_slant=between(-0.004, 0.028),
        iris=jittered(rng, IRISES[int(rng.integers(2 if darkness > 0.5 else len(IRISES)))], 6),
        brow_colour=scaled(mixed(hair_colour, (70, 50, 38), 0.45), 0.8),
        brow_y=between(0.20, 0.245),
        brow_thickness=between(0.020, 0.034) if man else between(0.013, 0.024),
        brow_arch=between(0.008, 0.045),
        nose_width=between(0.86, 1.12) + 0.12 * darkness,
        nose_y=mouth_y - between(0.185, 0.220),
        lip_colour=_lip_colour(rng, skin, man, darkness),
        lip_upper=between(0.036, 0.062) + 0.014 * darkness,
        lip_lower=between(0.054, 0.080) + 0.014 * darkness,
        mouth_y=mouth_y,
        mouth_half_width=between(0.235, 0.285),
        mouth_gap=between(0.220, 0.265),
        teeth=scaled((240, 232, 218), between(0.90, 1.03)),
        beard=between(0.25, 0.85) if bearded else 0.0,
        moustache=between(0.3, 0.85) if bearded or (man and rng.random() < 0.1) else 0.0,
        glasses=_glasses(rng),
        glasses_colour=scaled((60, 46, 40), between(0.3, 1.4)),
        light=_light(rng),
        background=_background(rng),
        background_angle_rad=between(0, 2 * np.pi),
        clothes=clipped(np.full(3, between(25, 205)) + rng.normal(0, 26, 3)),
        open_collar=bool(rng.random() < 0.5),
    )


def _hair_style(rng: np.random.Generator, man: bool) -> HairStyle:
    excluded = _WOMEN_ONLY if man else _MEN_ONLY
    shares = np.array(_STYLE_SHARES) * [style not in excluded for style in _STYLES]
    return _STYLES[int(rng.choice(len(_STYLES), p=shares / shares.sum()))]


def _glasses(rng: np.random.Generator) -> Glasses:
    kinds: tuple[Glasses, ...] = ("none", "round", "square")
    return kinds[int(rng.choice(3, p=(0.82, 0.09, 0.09)))]


def _lip_colour(rng: np.random.Generator, skin: Srgb, man: bool, darkness: float) -> Srgb:
    natural = (skin[0] * 0.84 + 14, skin[1] * 0.56 + 4, skin[2] * 0.60 + 8)
    painted = (rng.uniform(150, 205), rng.uniform(45, 95), rng.uniform(60, 105))
    share = 0.0 if man else float(rng.choice((0.0, rng.uniform(0.3, 0.75))))
    return jittered(rng, mixed(natural, painted, share * (1 - 0.3 * darkness)), 5)


def _light(rng: np.random.Generator) -> Light:
    """Sun to the left or the right, high or level, hard or soft, warm or cool."""
    warmth, contrast, gain = rng.uniform(-0.06, 0.08), rng.uniform(0.0, 1.0), rng.uniform(0.74, 0.98)
    key = gain * (0.98 + 0.22 * contrast)
    fill, ambient = gain * (0.40 - 0.20 * contrast), gain * (0.33 - 0.10 * contrast)
    return Light(
        key_xyz=(rng.uniform(-0.62, 0.62), rng.uniform(-0.62, -0.2), 0.75),
        key_rgb=(key * (1 + warmth), key, key * (1 - 1.3 * warmth)),
        fill_rgb=(fill * 0.92, fill, fill * 1.12),
        ambient_rgb=(ambient * 0.96, ambient, ambient * 1.06),
    )


def _background(rng: np.random.Generator) -> tuple[Srgb, Srgb]:
    base = rng.uniform(50, 215)
    first, step = base + rng.normal(0, 13, 3), rng.uniform(-50, 50) + rng.normal(0, 9, 3)
    return clipped(first), clipped(first + step)
