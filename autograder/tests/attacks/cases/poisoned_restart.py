"""Spoils the working folder so that no kernel starts in it any more, and ends the one that runs."""

CELLS = {
    "q3": """import os
from pathlib import Path

start = Path(os.environ["IPYTHONDIR"], "profile_default", "startup")
start.mkdir(parents=True, exist_ok=True)
(start / "00.py").write_text("import os; os._exit(1)")
Path("ipykernel_launcher.py").write_text("raise SystemExit")
os._exit(1)"""
}
EXPECT = {"q3": ("no evidence", "crash")}
LIMITS = {"start_seconds": 10.0}
