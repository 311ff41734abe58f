"""Write the log file: encode events, append lines, open files and directories, handle failures."""
