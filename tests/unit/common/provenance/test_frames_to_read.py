from dataclasses import replace

import numpy as np
import pytest

from services.common.media.probe import VideoInfo, probe_video
from services.common.provenance.frames_to_read import frames_to_read, lumas_to_read
