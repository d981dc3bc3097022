"""From a parameter file to a published version of a report: read, execute, export, check, publish, compare."""
