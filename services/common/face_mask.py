"""The model's fixed mask: which part of an aligned face is kept and which is generated."""

from functools import cache
from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

_SIDE_PX = 256
_LATENT_STRIDE_PX = 8

_CHEEKS = (slice(95, 128), (slice(9, 78), slice(178, 247)))
"""Rows beside the nose, which itself is kept, and the columns generated in them."""

_MOUTH_AND_JAW = """
    128:9-248   135:9-247   136:10-247  149:10-246  150:11-246  163:11-245  164:12-245  170:12-244  171:13-244
    172:13-243  173:14-243  174:14-242  175:15-242  176:15-241  177:16-241  178:16-240  179:17-239  180:18-239
    181:18-238  182:19-237  184:20-236  185:21-235  187:22-234  188:22-233  189:23-233  190:24-232  191:25-231
    192:26-231  193:26-230  194:27-229  195:28-229  196:29-228  197:30-227  198:31-226  199:32-225  200:33-224
    201:34-224  202:34-223  203:35-222  204:36-221  205:37-220  206:38-219  207:39-218  208:40-217  209:42-216
    210:43-215  211:44-214  212:45-213  213:47-212  214:48-211  215:49-209  216:51-208  217:52-207  218:54-205
    219:56-204  220:57-203  221:59-201  222:60-200  223:62-198  224:64-197  225:66-195  226:68-193  227:70-192
    228:72-190  229:74-188  230:76-186  231:78-184  232:80-181  233:82-179  234:85-176  235:87-174  236:90-172
    237:93-169  238:95-167  239:99-165  240:104-161 241:108-157 242:131-153 243:0-0
"""
"""row:first-stop, the columns [first, stop) generated from that row on, until the next entry."""


T = TypeVar("T", bound=np.generic)


@cache
def face_mask(resolution: int) -> NDArray[np.float64]:
    """The mask at a face size: 1 = keep, 0 = generate, between them where the resize blends edges.

    Resized from 256 × 256 with OpenCV's 8-bit Lanczos filter, as in the reference.

    Returns:
        float64 [R, R] in [0, 1]; read-only, cached.
    """
    mask_u8 = cv2.resize(_mask_256_u8(), (resolution, resolution), interpolation=cv2.INTER_LANCZOS4)
    return _read_only(mask_u8 / 255)


@cache
def latent_mask(resolution: int) -> NDArray[np.float32]:
    """The mask's nearest-neighbour copy at latent size.

    Returns:
        float32 [R / 8, R / 8]; read-only, cached.
    """
    return _read_only(face_mask(resolution)[::_LATENT_STRIDE_PX, ::_LATENT_STRIDE_PX].astype(np.float32))


def _mask_256_u8() -> NDArray[np.uint8]:
    mask = np.full((_SIDE_PX, _SIDE_PX), 255, np.uint8)
    rows, cheeks = _CHEEKS
    for columns in cheeks:
        mask[rows, columns] = 0
    for entry in _MOUTH_AND_JAW.split():
        row, span = entry.split(":")
        first, stop = span.split("-")
        mask[int(row) :] = 255
        mask[int(row) :, int(first) : int(stop)] = 0
    return mask


def _read_only(array: NDArray[T]) -> NDArray[T]:
    array.flags.writeable = False
    return array
