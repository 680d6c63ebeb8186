"""`python -m occreid`: the same as the command ``occreid``."""

from occreid.cli import main

if __name__ == "__main__":
    main()
