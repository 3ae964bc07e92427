"""Run the attack table: `python -m autograder.tests.attacks`."""

import sys

from autograder.tests.attacks.harness.table import main

if __name__ == "__main__":
    sys.exit(main())
