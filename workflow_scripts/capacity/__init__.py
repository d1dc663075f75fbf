"""How the workflow grows with the film: measured on tables without pictures, and what follows."""
