"""The command line: thin, and loads only what a command needs."""
