"""Speech of eSpeak NG with its own phoneme timing. The library is optional (Debian: `apt install espeak-ng`).

It keeps hidden state between sentences, so every text is spoken in a fresh child process: the same arguments always
give the same samples.
"""

import ctypes
import ctypes.util
import multiprocessing
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from multiprocessing.connection import Connection

import numpy as np
from numpy.typing import NDArray

from services.common.media.audio import SAMPLE_RATE_HZ
from training.synthetic.visemes import ARTICULATIONS, Segment, Utterance

LANGUAGES = (
    "en-us", "en-gb", "en-gb-scotland", "de", "fr-fr", "es", "es-419", "it", "pt", "pt-br", "pl", "nl", "sv", "cs",
    "hu", "fi", "tr", "ro", "hr", "id", "sw", "eo",
)  # fmt: skip
TIMBRES = (
    "f1", "f2", "f3", "f4", "f5", "m1", "m2", "m3", "m4", "m5", "m6", "m7", "m8", "Andy", "Annie", "Alicia", "Gene",
    "Michael", "linda", "steph", "edward", "rob", "max", "anika", "john", "quincy", "paul", "victor", "zac",
)  # fmt: skip
_WORD_LETTERS = ("b", "d", "f", "g", "k", "l", "m", "n", "p", "r", "s", "t", "v", "m", "b", "p", "w", "sh", "z", "j")
_WORD_VOWELS = ("a", "e", "i", "o", "u", "a", "o")
_CLOSED_BEFORE_EVENT_S = 0.045
"""The silence of an unvoiced stop belongs to the phoneme before; its own event marks the burst."""
_CLOSED_SHARE = {"m": 0.8, "b": 0.6, "d": 0.6, "ɡ": 0.6, "p": 0.3, "t": 0.5, "k": 0.5}
"""How much of a stop's time the mouth holds it, the rest is already the opening; measured on the waveform."""

_SYNCHRONOUS, _PHONEMES_IN_IPA, _DO_NOT_EXIT = 2, 1 | 2, 0x8000
_RATE, _PITCH, _PITCH_RANGE = 1, 3, 4
_UTF8 = 1
_EVENT_END, _EVENT_PHONEME = 0, 7


@dataclass(frozen=True)
class EspeakVoice:
    name: str
    """Language and timbre, such as `de+f2`."""
    words_per_minute: int
    pitch: int
    """0…99, 50 is the timbre's own."""
    pitch_range: int


class _EventId(ctypes.Union):
    _fields_ = (("number", ctypes.c_int), ("name", ctypes.c_char_p), ("string", ctypes.c_char * 8))


class _Event(ctypes.Structure):
    _fields_ = (
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position_ms", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", _EventId),
    )


_Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event))


@dataclass(frozen=True)
class _Spoken:
    pcm: bytes
    rate_hz: int
    events: tuple[tuple[int, str], ...]
    """Sample and phoneme in IPA; empty for a pause."""


@cache
def espeak_available() -> bool:
    return ctypes.util.find_library("espeak-ng") is not None


def draw_espeak_voice(rng: np.random.Generator) -> EspeakVoice:
    return EspeakVoice(
        name=f"{rng.choice(LANGUAGES)}+{rng.choice(TIMBRES)}",
        words_per_minute=int(rng.integers(120, 230)),
        pitch=int(rng.integers(15, 90)),
        pitch_range=int(rng.integers(20, 85)),
    )


def draw_sentence(rng: np.random.Generator) -> str:
    """Three to nine words that exist in no language: every voice reads them by its own rules."""
    words = ["".join(_syllable(rng) for _ in range(rng.integers(1, 4))) for _ in range(rng.integers(3, 10))]
    if len(words) > 5 and rng.random() < 0.4:
        words[len(words) // 2] += ","
    return " ".join(words).capitalize() + str(rng.choice((".", ".", "?", "!")))


def _syllable(rng: np.random.Generator) -> str:
    coda = str(rng.choice(("m", "n", "s", "l", "p", "t", "r"))) if rng.random() < 0.25 else ""
    return str(rng.choice(_WORD_LETTERS)) + str(rng.choice(_WORD_VOWELS)) + coda


def utter(text: str, voice: EspeakVoice) -> Utterance:
    """Speaks `text`. The wave's peak is at most 1."""
    spoken = _spoken_in_child(text, voice)
    wave = _resampled(np.frombuffer(spoken.pcm, "<i2").astype(np.float32) / np.float32(32768), spoken.rate_hz)
    return Utterance(wave, tuple(_segments(spoken, len(wave) / SAMPLE_RATE_HZ)))


def _spoken_in_child(text: str, voice: EspeakVoice) -> _Spoken:
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    child = context.Process(target=_speak_and_send, args=(sender, text, voice), daemon=True)
    child.start()
    sender.close()
    spoken: _Spoken = receiver.recv()
    child.join()
    return spoken


def _speak_and_send(sender: Connection, text: str, voice: EspeakVoice) -> None:
    sender.send(_spoken(text, voice))
    sender.close()


def _spoken(text: str, voice: EspeakVoice) -> _Spoken:
    library = ctypes.CDLL(ctypes.util.find_library("espeak-ng"))
    pcm = bytearray()
    events: list[tuple[int, str]] = []

    def collect(samples: "ctypes._Pointer[ctypes.c_short]", count: int, reported: "ctypes._Pointer[_Event]") -> int:
        if samples and count > 0:
            pcm.extend(ctypes.string_at(samples, 2 * count))
        index = 0
        while reported[index].type != _EVENT_END:
            event = reported[index]
            if event.type == _EVENT_PHONEME:
                name = bytes(event.id)[: ctypes.sizeof(_EventId)].split(b"\0")[0]
                events.append((event.sample, name.decode("utf-8", "ignore")))
            index += 1
        return 0

    callback = _Callback(collect)
    rate_hz = library.espeak_Initialize(_SYNCHRONOUS, 0, None, _PHONEMES_IN_IPA | _DO_NOT_EXIT)
    library.espeak_SetSynthCallback(callback)
    library.espeak_SetVoiceByName(voice.name.encode())
    for parameter, value in ((_RATE, voice.words_per_minute), (_PITCH, voice.pitch), (_PITCH_RANGE, voice.pitch_range)):
        library.espeak_SetParameter(parameter, value, 0)
    encoded = text.encode()
    library.espeak_Synth(encoded, len(encoded) + 1, 0, 1, 0, _UTF8, None, None)
    library.espeak_Synchronize()
    return _Spoken(bytes(pcm), int(rate_hz), tuple(events))


def _segments(spoken: _Spoken, duration_s: float) -> Iterator[Segment]:
    """The events as articulations; a composed phoneme's signs share its time."""
    starts = [sample / spoken.rate_hz for sample, _ in spoken.events]
    for index, (_, name) in enumerate(spoken.events):
        signs = [sign for sign in name if sign in ARTICULATIONS]
        stop_s = starts[index + 1] if index + 1 < len(starts) else duration_s
        share_s = (stop_s - starts[index]) / max(1, len(signs))
        for position, sign in enumerate(signs):
            start_s = starts[index] + position * share_s
            end_s = start_s + share_s * _CLOSED_SHARE.get(sign, 1.0)
            if sign in "ptk":
                start_s -= _CLOSED_BEFORE_EVENT_S
            yield Segment(max(0.0, start_s), end_s, ARTICULATIONS[sign])


def _resampled(wave: NDArray[np.float32], rate_hz: int) -> NDArray[np.float32]:
    """To 16 kHz, by cutting the spectrum; the end is filled up so that no sample falls between."""
    if len(wave) == 0:
        return wave
    blocks = -(-len(wave) // rate_hz)
    padded = np.pad(wave, (0, blocks * rate_hz - len(wave)))
    count = blocks * SAMPLE_RATE_HZ
    spectrum = np.fft.rfft(padded)[: count // 2 + 1]
    resampled = np.fft.irfft(spectrum, count) * (count / len(padded))
    return np.clip(resampled[: len(wave) * SAMPLE_RATE_HZ // rate_hz], -1, 1).astype(np.float32)
