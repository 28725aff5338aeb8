"""A repository in a registry on the network: HTTP, credentials, limits, faults."""
