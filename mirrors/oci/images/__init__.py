"""What the engine copies, as values: references, manifests, platforms, digests."""
