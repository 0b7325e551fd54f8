"""What the traced applications do; one module for each of them."""
