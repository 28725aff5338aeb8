"""What the tests send, and where to."""

from __future__ import annotations

URL = "/api/v1/organization/acme/mirror"
PASSWORD = "source-token-3Hn7"
PROXY_PASSWORD = "proxy-password-9Wd4"

BODY = {
    "external_registry_type": "quay",
    "external_registry_url": "https://registry.example.com",
    "external_namespace": "team",
    "robot_username": "acme+mirror",
    "visibility": "private",
    "sync_interval": 3600,
    "sync_start_date": "2030-01-02T06:30:00Z",
}
WHOLE = BODY | {
    "is_enabled": False,
    "external_registry_username": "$oauthtoken",
    "external_registry_password": PASSWORD,
    "external_registry_config": {
        "verify_tls": True,
        "proxy": {
            "https_proxy": f"http://user:{PROXY_PASSWORD}@proxy.example.com:3128",
            "http_proxy": None,
            "no_proxy": "localhost",
        },
    },
    "repository_filters": ["app-*", "base"],
    "skopeo_timeout": 600,
}
