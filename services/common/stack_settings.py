"""Settings of the distributed body, environment variables `LIPSTAGE_<NAME>`. Secrets have no default."""

import tempfile
from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_core import ErrorDetails

from services.common.settings import Settings


class StackSettings(Settings):
    nats_url: str = "nats://127.0.0.1:4222"
    nats_user: str
    nats_password: SecretStr
    s3_url: str = Field(default="http://127.0.0.1:9000", pattern="^https?://")
    s3_bucket: str = "lipstage"
    s3_region: str = "us-east-1"
    s3_access_key: str
    s3_secret_key: SecretStr
    triton_url: str = "127.0.0.1:8001"
    """Host and port of Triton's gRPC endpoint."""
    triton_shared_memory: bool = False
    """Hand arrays over in shared memory; only where Triton runs on the same machine and trusts its clients."""
    health_port: int = Field(default=8080, ge=0, lt=65536)
    start_timeout_s: float = Field(default=30.0, gt=0)
    """How long a starting worker waits for the servers it needs."""
    drain_s: float = Field(default=120.0, ge=0)
    """How long tasks in hand may still take once the worker is asked to stop."""
    lease_s: float = Field(default=30.0, ge=10)
    """How long a task is left to a worker that is silent; a working one speaks every 8 s. Bootstrap sets it."""
    scan_s: float = Field(default=15.0, gt=0)
    """How often the reconciler looks at all jobs."""
    stalled_s: float = Field(default=60.0, gt=0)
    """How long a job may stand still before the reconciler queues again what it lacks."""
    tasks_at_once: int = Field(default=0, ge=0, le=64)
    """0 = what suits the service."""
    cache_bytes: int = Field(default=4 << 30, ge=0)
    """How much of the callers' media a worker keeps on its own disk between tasks."""
    scratch_dir: Path = Path(tempfile.gettempdir()) / "lipstage"


def variable(wrong: ErrorDetails) -> str:
    """Name of the environment variable that a validation error of the settings is about."""
    return f"LIPSTAGE_{'_'.join(map(str, wrong['loc'])).upper()}"
