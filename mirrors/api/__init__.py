"""The REST API: Quay's contract and our additions."""
