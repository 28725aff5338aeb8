"""Sample images and a registry that serves them."""
