"""One module for each group of verbs: arguments -> stages -> show. They print, and give the exit code."""
