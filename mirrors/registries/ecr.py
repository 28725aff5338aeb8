"""Amazon ECR, private and public."""

from __future__ import annotations

from mirrors.oci.profile import Deletion, RegistryProfile, UploadStyle

# Each PATCH is answered with 201, and the bodies after the first are dropped (aws/containers-roadmap#2831): a blob goes
# in one body. More than 1000 tags a page are an error (google/go-containerregistry#1091).
PROFILE = RegistryProfile(
    "ecr",
    "Amazon ECR",
    hosts=("*.dkr.ecr.*.amazonaws.com", "*.dkr.ecr.*.amazonaws.com.cn", "*.dkr-ecr.*.on.aws", "public.ecr.aws"),
    large_uploads=UploadStyle.PATCH,
    tag_page=1000,
    deletion=Deletion.NONE,
)
