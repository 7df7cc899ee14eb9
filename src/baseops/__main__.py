"""`python -m baseops`."""

from baseops.cli.main import main

main()
