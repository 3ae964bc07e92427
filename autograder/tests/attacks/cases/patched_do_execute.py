"""Patches the kernel, so that it says of any later cell that it ran well."""

CELLS = {
    "q5": """def square(x):
    return 0

async def do_execute(code, silent, *rest, **settings):
    return {"status": "ok", "execution_count": 1, "payload": [], "user_expressions": {}}

get_ipython().kernel.do_execute = do_execute"""
}
EXPECT = {"q5": ("no evidence", "damaged: the answer for q5-test could not be read")}
