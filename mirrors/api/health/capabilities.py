"""/v1/registry/capabilities: what mirrors may ask for."""

from __future__ import annotations

from django.conf import settings
from rest_framework.request import Request
from rest_framework.response import Response

from mirrors.api.endpoint import Endpoint
from mirrors.api.operations import BOOLEAN, STRING, answer, array, operation
from mirrors.models.mirror import ARCHITECTURES

CAPABILITIES = answer(
    {
        "sparse_manifests": answer(
            {
                "supported": BOOLEAN,
                "required_architectures": array(STRING),
                "optional_architectures_allowed": BOOLEAN,
            }
        ),
        "mirror_architectures": array(STRING),
    }
)


class CapabilitiesEndpoint(Endpoint):
    """GET /v1/registry/capabilities."""

    authentication_classes = ()

    @operation("getRegistryCapabilities", answers={200: CAPABILITIES})
    def get(self, request: Request) -> Response:
        """Whether only some architectures of an index can be mirrored, and which Quay has words for."""
        return Response(
            {
                "sparse_manifests": {
                    "supported": settings.FEATURE_SPARSE_INDEX,
                    "required_architectures": [],
                    "optional_architectures_allowed": settings.FEATURE_SPARSE_INDEX,
                },
                "mirror_architectures": sorted(ARCHITECTURES),
            }
        )
