"""What an image tells of its light, and the model that names it."""
