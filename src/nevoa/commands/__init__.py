"""One function for each command of the command line."""
