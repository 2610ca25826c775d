"""`python -m promptreg`."""

from promptreg.cli.start import main

main()
