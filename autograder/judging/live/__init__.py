"""Judge a test against objects that stay in the student's kernel, which waits and answers meanwhile.

Theory of operation. The test runs as written, in a fork of the judge's worker. An answer that is data is data there; a
function or another object is a reference, and each use of it is a request to the kernel. `runner` gives the test its
names and runs it. `wire` exchanges the messages, `references` stand for the objects, and `places` allows an object to
decide only where the solution's run had one. `evidence.server` is the other half, which runs in the kernel.
"""
