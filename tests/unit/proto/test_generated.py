import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
GENERATED = Path("lipstage/v1")


def test_the_checked_in_code_is_what_make_proto_generates(tmp_path: Path) -> None:
    subprocess.run(
        ["make", "--silent", "proto", f"PROTO_OUT={tmp_path}", f"BIN={Path(sys.executable).parent}"],
        cwd=ROOT,
        check=True,
    )

    assert _content(tmp_path / GENERATED) == _content(ROOT / GENERATED)


def _content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.glob("*_pb2*")}
