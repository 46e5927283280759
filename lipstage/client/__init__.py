"""Lipstage for Python programs: `Lipstage(...)`, or `AsyncLipstage(...)`, speaks to a gateway.

with Lipstage("https://dubs.example.com", key) as lipstage:
    job = lipstage.dub("talk.mp4", "voice.wav", steps=25)
    lipstage.download(job, "dubbed.mp4")
"""

from lipstage.client.answers import (
    Charge,
    Estimate,
    Face,
    Faces,
    Job,
    JobError,
    Output,
    Progress,
    StageProgress,
    State,
    Upload,
    Usage,
    UsageOfDay,
)
from lipstage.client.asked import Asked, Which
from lipstage.client.async_client import AsyncLipstage
from lipstage.client.errors import (
    Conflict,
    Forbidden,
    InvalidRequest,
    JobCanceled,
    JobFailed,
    LipstageError,
    NotConfigured,
    NotFound,
    ServerError,
    TooManyRequests,
    Unauthenticated,
    Unreachable,
    Untrusted,
)
from lipstage.client.media import Media
from lipstage.client.sync_client import Lipstage

__all__ = [
    "Asked",
    "AsyncLipstage",
    "Charge",
    "Conflict",
    "Estimate",
    "Face",
    "Faces",
    "Forbidden",
    "InvalidRequest",
    "Job",
    "JobCanceled",
    "JobError",
    "JobFailed",
    "Lipstage",
    "LipstageError",
    "Media",
    "NotConfigured",
    "NotFound",
    "Output",
    "Progress",
    "ServerError",
    "StageProgress",
    "State",
    "TooManyRequests",
    "Unauthenticated",
    "Unreachable",
    "Untrusted",
    "Upload",
    "Usage",
    "UsageOfDay",
    "Which",
]
