"""What a person's own table holds, and its declaration: read, profiled, written to data/raw once.

`intake.bring` does it all; nothing of the table is changed on the way, and what is doubtful in it is named.
"""
