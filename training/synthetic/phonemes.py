"""How phonemes sound: formants in Hz of an average woman (Peterson & Barney 1952), source levels, durations."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Sound:
    duration_s: float
    formants_hz: tuple[float, float, float] | None
    """None: those of the sound before go on."""
    voicing: float = 0.0
    """Level of the glottal source."""
    breath: float = 0.0
    """Level of noise through the formants."""
    hiss: float = 0.0
    """Level of noise around `hiss_hz` that does not pass the formants."""
    hiss_hz: float = 5000.0
    hiss_width_hz: float = 2000.0


def _vowel(f1: float, f2: float, f3: float, duration_s: float = 0.13) -> tuple[Sound, ...]:
    return (Sound(duration_s, (f1, f2, f3), 1.0, breath=0.02),)


def _stop(voicing: float, closure_s: float, burst: Sound) -> tuple[Sound, ...]:
    low = (260.0, burst.formants_hz[1], burst.formants_hz[2]) if burst.formants_hz else None
    return Sound(closure_s, low, voicing), burst


VOWELS: dict[str, tuple[Sound, ...]] = {
    "a": _vowel(860, 1400, 2800, 0.15),
    "ɑ": _vowel(850, 1220, 2810, 0.15),
    "æ": _vowel(860, 2050, 2850, 0.14),
    "ɛ": _vowel(610, 2330, 2990),
    "e": _vowel(480, 2500, 3050),
    "ə": _vowel(560, 1600, 2750, 0.08),
    "ɪ": _vowel(430, 2480, 3070, 0.10),
    "i": _vowel(310, 2790, 3310),
    "y": _vowel(300, 2150, 2700),
    "ø": _vowel(440, 1750, 2600),
    "ɔ": _vowel(650, 950, 2710, 0.14),
    "o": _vowel(500, 880, 2700),
    "u": _vowel(350, 800, 2670),
}

CONSONANTS: dict[str, tuple[Sound, ...]] = {
    "m": (Sound(0.085, (270, 1050, 2300), 0.38),),
    "n": (Sound(0.070, (290, 1750, 2700), 0.38),),
    "b": _stop(0.14, 0.070, Sound(0.012, (420, 950, 2350), 0.5, hiss=0.08, hiss_hz=1000, hiss_width_hz=1000)),
    "p": _stop(0.0, 0.080, Sound(0.025, (450, 950, 2350), breath=0.22, hiss=0.14, hiss_hz=1100, hiss_width_hz=1200)),
    "d": _stop(0.14, 0.055, Sound(0.014, (380, 1950, 2950), 0.5, hiss=0.15, hiss_hz=4400, hiss_width_hz=2200)),
    "t": _stop(0.0, 0.060, Sound(0.030, (450, 1950, 2950), breath=0.15, hiss=0.32, hiss_hz=4800, hiss_width_hz=2200)),
    "ɡ": _stop(0.14, 0.055, Sound(0.016, (380, 2050, 2500), 0.5, hiss=0.14, hiss_hz=2200, hiss_width_hz=800)),
    "k": _stop(0.0, 0.060, Sound(0.035, (450, 2050, 2500), breath=0.20, hiss=0.27, hiss_hz=2300, hiss_width_hz=800)),
    "f": (Sound(0.095, (400, 1200, 2400), hiss=0.10, hiss_hz=6500, hiss_width_hz=4500),),
    "v": (Sound(0.075, (330, 1200, 2400), 0.42, hiss=0.05, hiss_hz=6500, hiss_width_hz=4500),),
    "s": (Sound(0.105, (350, 1900, 2900), hiss=0.36, hiss_hz=7000, hiss_width_hz=1600),),
    "z": (Sound(0.085, (320, 1900, 2900), 0.36, hiss=0.18, hiss_hz=6800, hiss_width_hz=1600),),
    "ʃ": (Sound(0.105, (350, 1800, 2600), hiss=0.40, hiss_hz=3500, hiss_width_hz=1100),),
    "h": (Sound(0.065, None, 0.05, breath=0.28),),
    "l": (Sound(0.070, (380, 1150, 2950), 0.62),),
    "ɹ": (Sound(0.075, (370, 1250, 1750), 0.62),),
    "w": (Sound(0.075, (320, 720, 2450), 0.58),),
    "j": (Sound(0.065, (300, 2600, 3250), 0.62),),
}
"""A stop is its closure and its burst. Lips that meet do so during the first part only."""
