"""Google Artifact Registry, which answers for gcr.io too."""

from __future__ import annotations

from mirrors.oci.profile import RegistryProfile, UploadStyle

# There is no second PATCH (containers/skopeo#1101), so nothing is gone on with, and one PUT is the shortest way.
PROFILE = RegistryProfile(
    "gar",
    "Google Artifact Registry",
    hosts=("gcr.io", "*.gcr.io", "*-docker.pkg.dev", "docker.pkg.dev"),
    large_uploads=UploadStyle.PUT,
)
