"""What the denoising network hears of a sound, by the pipeline's own code."""

import asyncio
from fractions import Fraction

import numpy as np
import torch
from numpy.typing import NDArray

from export.whisper import WhisperEncoder
from services.preprocess.audio_features import AudioFeatures
from services.preprocess.audio_windows import window_centres, window_rows
from services.preprocess.mel import log_mel
from services.preprocess.plan import REFERENCE_FPS


def whisper_features(encoder: WhisperEncoder, pcm_int16: NDArray[np.int16]) -> NDArray[np.float16]:
    """Hidden states of a whole sound at 16 kHz, [rows, states, D], 50 rows per second."""
    device = next(encoder.parameters()).device

    async def encode(mel_block: NDArray[np.float32]) -> NDArray[np.float32]:
        with torch.no_grad():
            rows: NDArray[np.float32] = encoder(torch.from_numpy(mel_block[None]).to(device))[0].cpu().numpy()
        return rows

    features = AudioFeatures(log_mel(pcm_int16), encode, "studio")
    return asyncio.run(features.rows(0, features.length)).astype(np.float16)


def audio_tokens(features: NDArray[np.float16], first_frame: int, frames: int) -> NDArray[np.float32]:
    """Tokens of 25-Hz frames, [frames, S, D], from a sound's features."""
    centres = window_centres(np.arange(first_frame, first_frame + frames), Fraction(1, REFERENCE_FPS))
    heard = features[window_rows(centres, len(features))].astype(np.float32)
    return heard.reshape(frames, -1, heard.shape[-1])
