"""A 64-bit payload as the bits that go into the picture, and back from what was heard of them.

64 bits of payload and 24 of a checksum go through the convolutional code of rate 1/3 and constraint length 9 that
IS-95 uses (generators 557, 663, 711 octal; free distance 18), ended with zeros. Reading is maximum likelihood
(Viterbi 1967) over soft values.
"""

import zlib
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

PAYLOAD_BITS: Final = 64
CHECK_BITS: Final = 24
"""Noise passes for a codeword once in 2²⁴ trials."""
_MEMORY: Final = 8
_GENERATORS: Final = (0o557, 0o663, 0o711)
_STATES: Final = 1 << _MEMORY
_STEPS: Final = PAYLOAD_BITS + CHECK_BITS + _MEMORY
CODED_BITS: Final = _STEPS * len(_GENERATORS)


def encode_payload(payload: int) -> NDArray[np.float32]:
    """The codeword of a payload in 0 … 2⁶⁴ − 1: [CODED_BITS] of ±1."""
    message = payload << CHECK_BITS | _check(payload)
    signs = _branch_signs()
    state, coded = 0, np.empty((_STEPS, len(_GENERATORS)), np.float32)
    for step in range(_STEPS):
        bit = message >> (PAYLOAD_BITS + CHECK_BITS - 1 - step) & 1 if step < PAYLOAD_BITS + CHECK_BITS else 0
        register = state << 1 | bit
        coded[step] = signs[register]
        state = register % _STATES
    return coded.ravel()


def decode_payload(soft: NDArray[np.floating]) -> int | None:
    """The most likely payload of [CODED_BITS] soft values (positive for +1), or None if its checksum is wrong."""
    signs = _branch_signs()
    # The register that leads into state s held s >> 1 before, with or without the bit that now drops out.
    into = np.stack([np.arange(_STATES), np.arange(_STATES) + _STATES])
    score = np.full(_STATES, -np.inf)
    score[0] = 0.0
    choices = np.empty((_STEPS, _STATES), np.intp)
    for step, heard in enumerate(soft.reshape(_STEPS, len(_GENERATORS))):
        reached = score[into >> 1] + signs[into] @ heard
        choices[step] = reached.argmax(axis=0)
        score = reached.max(axis=0)
    state, message = 0, 0
    for step in range(_STEPS - 1, -1, -1):
        if step < PAYLOAD_BITS + CHECK_BITS:
            message |= (state & 1) << (PAYLOAD_BITS + CHECK_BITS - 1 - step)
        state = int(into[choices[step, state], state]) >> 1
    payload, check = message >> CHECK_BITS, message % (1 << CHECK_BITS)
    return payload if check == _check(payload) else None


def _check(payload: int) -> int:
    return zlib.crc32(payload.to_bytes(PAYLOAD_BITS // 8)) % (1 << CHECK_BITS)


@cache
def _branch_signs() -> NDArray[np.float32]:
    """What the encoder sends for each content of its register, newest bit lowest: [2·STATES, 3] of ±1."""
    sent = [[(register & generator).bit_count() % 2 for generator in _GENERATORS] for register in range(2 * _STATES)]
    return 1 - 2 * np.array(sent, np.float32)
