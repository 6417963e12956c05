"""``python -m goodinit``, and the command ``goodinit``: the command line."""

import gc
import os
import sys
from typing import NoReturn


def main() -> NoReturn:
    """Run the command line, whose imports may be interrupted too."""
    gc.set_threshold(100_000)  # importing makes many objects that all stay: look through them less
    try:
        from goodinit.cli import main as run

        run()
    except KeyboardInterrupt:
        sys.stderr.write("goodinit: interrupted: nothing was finished\n")
        sys.stderr.flush()
        os._exit(130)
    finally:
        gc.freeze()  # or Python looks through a million objects before it ends


if __name__ == "__main__":
    main()
