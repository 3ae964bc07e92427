"""Is right, and has used names that the grader's own code uses."""

CELLS = {
    "q1": """encode = encode_all = shell = text = zlib = base64 = json = math = binascii = names = namespace = None

def kernel_source():
    raise ValueError

q1 = 12"""
}
