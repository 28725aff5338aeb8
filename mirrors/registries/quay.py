"""Quay: quay.io, Red Hat Quay and Project Quay."""

from __future__ import annotations

from mirrors.oci.profile import RegistryProfile, UploadStyle

# More than 100 tags a page are refused with 413 (quay/quay#2884). An upload that broke off can be gone on with.
PROFILE = RegistryProfile(
    "quay",
    "Quay",
    hosts=("quay.io",),
    large_uploads=UploadStyle.CHUNKS,
    tag_page=100,
)
