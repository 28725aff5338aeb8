"""Times Mirrorfarm beside skopeo as Quay runs it, on this machine, against real registries: `make bench`."""
