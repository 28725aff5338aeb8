"""One file per notification method."""
