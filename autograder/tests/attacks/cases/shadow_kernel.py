"""Hands in an ipykernel_launcher.py that is started in place of the kernel and never answers."""

FILES = {"ipykernel_launcher.py": "import time\n\ntime.sleep(60)\n"}
LIMITS = {"start_seconds": 5.0}
