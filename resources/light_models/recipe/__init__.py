"""Makes the small models of the light tier from drawn places and people."""
