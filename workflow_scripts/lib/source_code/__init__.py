"""Source code read, never run: modules, the form of statements, what is left out of it."""
