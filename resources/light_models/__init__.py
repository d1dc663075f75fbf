"""Small models that the project trains itself, and how they were made."""
