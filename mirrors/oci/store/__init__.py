"""A repository on local disk, and what serves it to others."""
