"""Serve the objects of a student's notebook to a test that runs elsewhere; this half runs in the student's kernel.

Theory of operation. When a notebook reaches a test cell that needs objects, the sources of these modules follow that of
`encoder` and are executed in the student's kernel, all in one namespace (see `kernel_source`). `server` sends the
values of the answers, then waits for one request at a time and replies with data. A request is a pickle, because the
test is trusted; a reply is JSON in the encoder's format, because the kernel is not. What is not plain data stays here
and is sent as a reference (`live_encoder`). Lists, dicts, sets, arrays and frames have an identity (`shared`): both
sides keep a copy under the same key, and each message brings what has changed. A function or an object of the test is
a `proxies.Back` here. `judging.live` is the other half; its `wire` documents the requests.

A message is a JSON object: `n` (the number of the request that it answers), `heap` (the contents of shared containers
that are new or changed: key, kind, content), `refs` (what a new reference refers to), `names` (those whose
values are still what was sent) and one of `value`, `raised`, `refused`, `answers`, `back` (a use of one of the test's
own functions or objects).
"""
