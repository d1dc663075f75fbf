"""Where weights and films come from, what they must be, and how that is written down."""
