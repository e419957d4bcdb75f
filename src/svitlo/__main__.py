"""`svitlo` and `python -m svitlo`."""

from svitlo.cli.program import main

if __name__ == "__main__":
    main()
