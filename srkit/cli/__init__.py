"""The command line: one file a command. Importing any of them loads no torch."""
