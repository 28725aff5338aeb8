"""What is to be there, as custom resources: apply them, and declare what is there (ours)."""
