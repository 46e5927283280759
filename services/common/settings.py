"""One settings class; every field is an environment variable `LIPSTAGE_<NAME>`."""

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

_REPOSITORY = Path(__file__).resolve().parents[2]
_CACHE = Path.home() / ".cache" / "lipstage"
_DATA = Path.home() / ".local" / "share" / "lipstage"


class Settings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="LIPSTAGE_")

    models_dir: Path = _REPOSITORY / "model_repository"
    faces_dir: Path = _CACHE / "faces"
    """Where the face detector's two models are kept."""
    weights_dir: Path = _CACHE / "weights"
    """Where `lipstage weights pull` puts released checkpoints."""
    work_dir: Path = _CACHE / "work"
    """Stage outputs of jobs in flight; an interrupted job resumes from here."""
    max_audio_s: float = Field(default=600.0, gt=0)
    threads: int = Field(default=0, ge=0)
    """Threads one network call may use; 0 = one per core."""
    chunks_in_flight: int = Field(default=2, ge=1, le=64)
    encoder_threads: int = Field(default=2, ge=1)
    """Fixed rather than automatic, because an encoder's bytes depend on it."""
    signing_key: Path | None = None
    """Private key that outputs are signed with: PEM, elliptic curve P-256, without a password."""
    signing_chain: Path | None = None
    """Its certificate and those above it, PEM, in this order."""
    signing_dir: Path = _DATA / "signing"
    """Where a key and a chain are made and kept if none are given."""
    signing_tsa_url: str | None = Field(default=None, pattern="^https?://")
    """A timestamp authority (RFC 3161): with it, signatures outlive the certificate."""
