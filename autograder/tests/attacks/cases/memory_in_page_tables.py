"""Lets page tables grow, which belong to no process, without using the pages."""

CELLS = {
    "q1": """import mmap

kept = []
for _ in range(4000):
    kept.append(mmap.mmap(-1, 1 << 30, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | 0x4000, mmap.PROT_READ))
    sum(kept[-1][place] for place in range(0, 1 << 30, 1 << 21))
q1 = 12"""
}
GAIN = "not stopped"
EXPECT = {"q1": ("no evidence", "memory")}
LIMITS = {"memory": 1 << 30, "cell_seconds": 30.0}
