"""``python -m goodinit``: the command line."""

from goodinit.cli import main

if __name__ == "__main__":
    main()
