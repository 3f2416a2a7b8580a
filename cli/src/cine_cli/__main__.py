"""`python -m cine_cli`."""

from cine_cli.app import main

main()
