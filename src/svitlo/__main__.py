"""`svitlo` and `python -m svitlo`.

A command ends soon and makes few cycles, so Python looks for them rarely: a tenth of the time of
short commands and a twentieth of an intake. At the end nothing is searched at all.
"""

import atexit
import gc

gc.set_threshold(100_000, 50, 100)
atexit.register(gc.freeze)

from svitlo.cli.program import main  # noqa: E402 - starting is what takes the time

if __name__ == "__main__":
    main()
