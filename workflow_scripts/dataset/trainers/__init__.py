"""Files by which trainers take a packed dataset as it is, one module per trainer."""
