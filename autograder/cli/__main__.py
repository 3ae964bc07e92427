"""Run the command: `python -m autograder.cli`."""

import sys

from autograder.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
