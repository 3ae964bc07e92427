"""Judge a test against objects that stay in the student's kernel, which waits and answers meanwhile.

Theory of operation. The test runs as written, in a fork of the judge's worker. An answer that is data is data there; a
function or another object is a reference, and each use of it is a request to the kernel. Reading an object is free. An
operation that shows it the test's data is open to it only where the solution's own run had an object, too.

    verdicts                           read the answers, run the test, return its verdict
    runner, namespace, hooks           run the test: its names, and what its operations and calls do first
    references, exceptions, classes    stand in the test for the notebook's objects, exceptions and classes
    operations, places, plain_copies   decide what an object may do at a place, or use a plain copy of it
    wire, requests, replies, known     exchange messages with the kernel, and keep what both sides know
    callbacks, files, generators       what the student's code does with the test's functions, files and generators
    empty_answers                      run a test on empty answers, without a kernel

`evidence.server` is the other half, which runs in the kernel.
"""
