"""`python -m fuzz.unconfined FILE…`: examines files as the gateway's process does, but free to go wherever they lead.

What keeps a file from leading anywhere must not be the confinement alone: the workers open it without.
"""

import sys
from pathlib import Path

from gateway.probe_child import answer
from gateway.probe_limits import ProbeLimits

for argument in sys.argv[1:]:
    for kind in ("video", "audio"):
        answer(Path(argument), kind, ProbeLimits())
