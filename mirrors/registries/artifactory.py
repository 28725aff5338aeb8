"""JFrog Artifactory."""

from __future__ import annotations

from mirrors.oci.profile import RegistryProfile, UploadStyle

# It wants every blob by PATCH (containerd#3533). It answers each mount with an upload (202), and finds out by
# checksum that it has the blob already.
PROFILE = RegistryProfile(
    "artifactory",
    "JFrog Artifactory",
    hosts=("*.jfrog.io",),
    uploads=UploadStyle.PATCH,
    large_uploads=UploadStyle.PATCH,
    mounts=False,
)
