"""From a declared source to a validated table, and from the table to a Panel or a Sample."""
