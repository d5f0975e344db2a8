"""`python -m nevoa`."""

from nevoa.cli.main import main

main()
