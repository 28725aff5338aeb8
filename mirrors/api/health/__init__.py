"""How the mirrors are doing as a whole, and what this registry can do."""
