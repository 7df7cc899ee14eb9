"""The command line: one file for each noun or verb, imported when run; parse, call, print."""
