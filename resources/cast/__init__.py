"""Draws casts of characters with exact labels, for the small models of the light tier to learn."""
