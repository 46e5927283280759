"""What is kept in the work folder."""

from pathlib import Path

from training.runs import WorkFolder


def test_what_is_kept_gets_another_name_when_a_source_changes(tmp_path: Path) -> None:
    folder, faces, weights = WorkFolder(tmp_path), tmp_path / "faces.npy", tmp_path / "vae.safetensors"
    faces.write_bytes(b"faces")
    weights.write_bytes(b"first")
    first = folder.kept("latents", ".pt", faces, weights)

    again = folder.kept("latents", ".pt", faces, weights)
    weights.write_bytes(b"second")
    retrained = folder.kept("latents", ".pt", faces, weights)

    assert first == again
    assert first != retrained
