import numpy as np
import pytest

from services.common.provenance.codeword import CODED_BITS, decode_payload, encode_payload

PAYLOADS = [0, 1, 2**64 - 1, 0x0193_5C8E_27B1_7F4D]


@pytest.mark.parametrize("payload", PAYLOADS)
def test_what_is_heard_clearly_is_read(payload: int) -> None:
    assert decode_payload(encode_payload(payload)) == payload


@pytest.mark.parametrize("payload", PAYLOADS)
def test_a_tenth_of_the_bits_may_be_wrong(payload: int) -> None:
    heard = encode_payload(payload)
    heard[np.random.default_rng(0).choice(CODED_BITS, CODED_BITS // 10, replace=False)] *= -1

    assert decode_payload(heard) == payload


def test_two_payloads_are_far_apart() -> None:
    first, second = (encode_payload(payload) for payload in (0x0193_5C8E_27B1_7F4D, 0x0193_5C8E_27B1_7F4C))

    assert np.count_nonzero(first != second) >= 18


def test_noise_is_no_payload() -> None:
    random = np.random.default_rng(0)

    assert all(decode_payload(random.standard_normal(CODED_BITS)) is None for _ in range(100))
