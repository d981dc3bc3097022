"""What may leave: counts, differences and texts from which a person, household or firm could be recognised."""
