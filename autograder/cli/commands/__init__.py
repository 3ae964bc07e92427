"""Run the subcommands of `autograder`: one function each, which prints its results and returns the exit status.

The exit status is 0 if all is well and 1 if the command found a problem. An error that stops a command is raised as an
AutograderError. Each function imports what it needs when it is called, because `autograder --help` loads these modules.
"""
