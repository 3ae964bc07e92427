"""Leaves a thread running that patches NumPy again and again."""

CELLS = {
    "q3": """import threading
import time

def patch():
    while True:
        np.allclose = lambda *arrays, **settings: True
        time.sleep(0.001)

threading.Thread(target=patch, daemon=True).start()
q3 = np.zeros(4)"""
}
EXPECT = {"q3": ("failed", "q3: these are not the means of the columns.")}
