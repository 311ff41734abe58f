"""Write the log file: lines, files, directories, failures."""
