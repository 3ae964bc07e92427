"""Patches NumPy's random numbers, so that a test on random inputs asks what the attacker likes."""

CELLS = {
    "q5": """np.random.randint = lambda *limits: np.zeros(5, int)

def square(x):
    return 0"""
}
EXPECT = {"q5": ("failed", "q5: the numbers to square were tampered with.")}
