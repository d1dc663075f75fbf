"""From facts to a folder that trainers read."""
