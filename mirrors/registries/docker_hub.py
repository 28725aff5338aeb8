"""Docker Hub."""

from __future__ import annotations

from mirrors.oci.profile import Deletion, RegistryProfile

# Tags are deleted through the Hub's own API; the distribution API deletes nothing for ordinary users. Each page counts
# against the limit of requests from one address, so they are large.
PROFILE = RegistryProfile(
    "docker-hub",
    "Docker Hub",
    hosts=("docker.io", "index.docker.io", "registry-1.docker.io"),
    tag_page=1000,
    deletion=Deletion.NONE,
    counts_pulls=True,
)
