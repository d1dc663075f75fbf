"""How the workflow grows with the film: measured on tables without images, and what follows."""
