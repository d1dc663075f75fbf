"""What lies behind people."""
