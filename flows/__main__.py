"""`python -m flows nightly` is `bhyt nightly`."""

from flows.cli import main

main()
