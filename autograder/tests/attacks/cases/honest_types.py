"""Is right in NumPy's own numbers and tuples of them."""

CELLS = {
    "q1": "q1 = np.int64(data.size)",
    "q2": "q2 = [(np.int32(a), np.float64(a * a)) for a in range(1, 4)]",
    "q4": "q4 = tuple(np.array(data.shape))",
}
