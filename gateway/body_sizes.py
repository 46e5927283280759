"""How large the body of a request may be, before anything in it is looked at."""

from typing import Final

REQUEST_BYTES: Final = 64 << 20
"""It is held in memory: JSON, with a short clip in a data URI at most."""
FILE_BYTES: Final = 5 << 30
"""It goes to the disk as it arrives; what an account may send is checked on its way, and may be less."""
FORM_BYTES: Final = 1 << 20
"""What a form may hold besides its files."""
