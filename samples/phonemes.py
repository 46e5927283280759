"""The sounds of the sample voices: formants in Hz (adult female, after Peterson & Barney 1952) and mouth shapes."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Sound:
    duration_s: float
    formants_hz: tuple[float, float, float]
    voicing: float
    """Level of the glottal source, 0…1."""
    breath: float = 0.0
    """Level of aspiration noise through the formants."""
    hiss: float = 0.0
    """Level of frication noise past the formants, around `hiss_hz` with bandwidth `hiss_width_hz`."""
    hiss_hz: float = 5000.0
    hiss_width_hz: float = 2000.0
    mouth_open: float = 0.0
    spread: float = 0.0


def _vowel(f1: float, f2: float, f3: float, mouth_open: float, spread: float, duration_s: float = 0.10) -> Sound:
    return Sound(duration_s, (f1, f2, f3), 1.0, breath=0.03, mouth_open=mouth_open, spread=spread)


SOUNDS: dict[str, Sound] = {
    "AA": _vowel(850, 1220, 2810, 0.80, 0.0, 0.12),
    "AE": _vowel(860, 2050, 2850, 0.70, 0.5, 0.12),
    "AH": _vowel(740, 1400, 2780, 0.50, 0.0, 0.08),
    "AO": _vowel(590, 920, 2710, 0.60, -0.5, 0.11),
    "EH": _vowel(610, 2330, 2990, 0.48, 0.4),
    "ER": _vowel(500, 1640, 1960, 0.32, -0.3, 0.11),
    "IH": _vowel(430, 2480, 3070, 0.30, 0.4, 0.075),
    "IY": _vowel(310, 2790, 3310, 0.22, 0.9, 0.10),
    "UH": _vowel(470, 1160, 2680, 0.32, -0.6, 0.07),
    "UW": _vowel(370, 950, 2670, 0.20, -1.0, 0.11),
    "L": Sound(0.065, (380, 1150, 2850), 0.70, mouth_open=0.26, spread=0.1),
    "R": Sound(0.070, (350, 1280, 1700), 0.70, mouth_open=0.20, spread=-0.5),
    "W": Sound(0.070, (320, 780, 2450), 0.65, mouth_open=0.12, spread=-1.0),
    "Y": Sound(0.060, (300, 2550, 3250), 0.70, mouth_open=0.18, spread=0.6),
    "M": Sound(0.075, (280, 1050, 2300), 0.42, mouth_open=0.0, spread=0.0),
    "N": Sound(0.065, (290, 1650, 2600), 0.42, mouth_open=0.14, spread=0.2),
    "HH": Sound(0.060, (600, 1700, 2700), 0.05, breath=0.30, mouth_open=0.35, spread=0.1),
    "S": Sound(0.100, (350, 1900, 2900), 0.0, hiss=0.36, hiss_hz=7200, hiss_width_hz=3000, mouth_open=0.10, spread=0.5),
    "Z": Sound(
        0.080, (320, 1900, 2900), 0.38, hiss=0.17, hiss_hz=6800, hiss_width_hz=3000, mouth_open=0.10, spread=0.4
    ),
    "SH": Sound(
        0.105, (350, 1900, 2800), 0.0, hiss=0.40, hiss_hz=3600, hiss_width_hz=1900, mouth_open=0.14, spread=-0.6
    ),
    "F": Sound(0.085, (400, 1300, 2500), 0.0, hiss=0.09, hiss_hz=7000, hiss_width_hz=6000, mouth_open=0.04, spread=0.2),
    "V": Sound(
        0.060, (350, 1300, 2500), 0.45, hiss=0.045, hiss_hz=7000, hiss_width_hz=6000, mouth_open=0.05, spread=0.1
    ),
    "DH": Sound(
        0.050, (330, 1500, 2700), 0.48, hiss=0.04, hiss_hz=6000, hiss_width_hz=5000, mouth_open=0.16, spread=0.1
    ),
    "P": Sound(0.070, (400, 1000, 2400), 0.0, mouth_open=0.0),
    "B": Sound(0.060, (260, 1000, 2400), 0.16, mouth_open=0.0),
    "T": Sound(0.060, (350, 1900, 2900), 0.0, mouth_open=0.12, spread=0.3),
    "D": Sound(0.050, (270, 1900, 2900), 0.16, mouth_open=0.12, spread=0.2),
    "K": Sound(0.065, (350, 2000, 2700), 0.0, mouth_open=0.20, spread=0.1),
    "G": Sound(0.055, (270, 2000, 2700), 0.16, mouth_open=0.20, spread=0.1),
    "p*": Sound(
        0.022, (450, 1100, 2500), 0.0, breath=0.25, hiss=0.18, hiss_hz=1100, hiss_width_hz=1400, mouth_open=0.12
    ),
    "b*": Sound(0.012, (400, 1100, 2500), 0.5, hiss=0.10, hiss_hz=1000, hiss_width_hz=1200, mouth_open=0.12),
    "t*": Sound(
        0.030, (450, 1900, 2900), 0.0, breath=0.15, hiss=0.36, hiss_hz=4800, hiss_width_hz=2600, mouth_open=0.18
    ),
    "d*": Sound(0.014, (380, 1900, 2900), 0.5, hiss=0.17, hiss_hz=4400, hiss_width_hz=2600, mouth_open=0.18),
    "k*": Sound(
        0.032, (450, 2000, 2700), 0.0, breath=0.20, hiss=0.30, hiss_hz=2300, hiss_width_hz=900, mouth_open=0.26
    ),
    "g*": Sound(0.016, (380, 2000, 2700), 0.5, hiss=0.15, hiss_hz=2200, hiss_width_hz=900, mouth_open=0.26),
    "_": Sound(0.09, (500, 1500, 2500), 0.0),
}

COMPOSED: dict[str, tuple[str, ...]] = {
    "OW": ("AO", "UH"), "EY": ("EH", "IY"), "AY": ("AA", "IH"), "AW": ("AA", "UH"), "OY": ("AO", "IH"),
    "P": ("P", "p*"), "B": ("B", "b*"), "T": ("T", "t*"), "D": ("D", "d*"), "K": ("K", "k*"), "G": ("G", "g*"),
    "CH": ("T", "SH"), "JH": ("D", "Z"),
}  # fmt: skip
"""Diphthongs glide through two vowels; a stop is its closure and its burst."""
