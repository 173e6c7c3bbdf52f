"""`python -m flows nightly` is `bhyt nightly`."""

from flows.cli import main

if __name__ == "__main__":
    main()
