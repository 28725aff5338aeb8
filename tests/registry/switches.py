"""What the registry can be told. The defaults are a registry that does everything right."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Login:
    """How the registry wants its clients to log in. scheme: bearer or basic.

    challenge: plain, several (headers, other schemes first), joined (the same in one header), no-service,
    no-scope, or insufficient (error="insufficient_scope"). realm: None for the registry's own. expires_in: seconds,
    left out of the answer where None. issued_at: seconds the token service's clock is ahead, left out where None.
    token_member: `token` or `access_token`. endpoint: get, post (OAuth 2; GET is 405), both, or post-404 (POST is
    404 and GET works). refresh_token: what a POST may bring in place of user name and password. denied: a regular
    expression; scopes that match are left out of tokens. uses: requests that each token is good for.
    not_yet: how many requests with a good token are refused still, as by a registry whose clock is behind.
    """

    scheme: str = "bearer"
    username: str = "user"
    password: str = "password"
    anonymous: bool = False
    challenge: str = "plain"
    realm: str | None = None
    expires_in: float | None = 300
    issued_at: float | None = None
    token_member: str = "token"
    endpoint: str = "get"
    refresh_token: str | None = None
    denied: str | None = None
    uses: int | None = None
    not_yet: int = 0


@dataclass
class Switches:
    """Everything that can be switched while the registry runs.

    All answers. swallow: never answer. delay: seconds before each answer. drip: seconds between the single bytes of
    a body (blobs: see there). headers: added to every answer (Warning, ratelimit-remaining, …).

    Tag lists. tag_page_size: None for all at once. largest_page: a greater `n` is refused with page_refusal.
    link: relative, absolute, foreign (another host), loop, scheme (https for http and back), port (another one),
    or prefix (a path that is not there). tag_order: sorted, reversed or shuffled. odd_tags: null, "" and a digest in
    the list. null_tags: null for the list of an empty repository. picky_lists: 406 where an Accept of manifests comes.
    """

    login: Login | None = None

    swallow: bool = False
    delay: float = 0.0
    drip: float = 0.0
    headers: dict[str, str] = field(default_factory=dict)

    tag_page_size: int | None = None
    largest_page: int | None = None
    page_refusal: int = 400
    link: str = "relative"
    tag_order: str = "sorted"
    odd_tags: bool = False
    null_tags: bool = False
    picky_lists: bool = False

    # Manifests, read. head_refusal: the status where head_manifests is False. head_length: whether a HEAD tells it.
    # digest_header: right, wrong, none or sha512. manifest_type: right, parameters, wrong (text/plain) or none.
    # manifest_encoding: identity or gzip, asked for or not. manifest_redirect: a registry to be sent to, or "loop".
    digest_header: str = "right"
    head_manifests: bool = True
    head_refusal: int = 405
    head_length: bool = True
    manifest_type: str = "right"
    manifest_encoding: str = "identity"
    manifest_redirect: str | None = None

    # Manifests, written. sparse_refusal: status and code for what lacks a part. unseen_after_push: answers of 404 to
    # a manifest that was just pushed, per name it can be asked for by. immutable: None, 412, 400, 403, 409, or ecr
    # (refuses the equal digest too). manifest_limit: bytes, 413 above. sha512: yes, refused, or rehashed (stored as
    # sha256 whatever was asked). tag_parameters: `?tag=` is understood and told of in OCI-Tag. deletes: tags, digests
    # (and no tags), none (405), or 400.
    sparse_indexes: bool = True
    sparse_refusal: tuple[int, str] = (400, "MANIFEST_BLOB_UNKNOWN")
    needs_foreign_layers: bool = False
    unseen_after_push: int = 0
    immutable: str | None = None
    manifest_limit: int | None = None
    needs_media_type: bool = False
    docker_types: bool = True
    subject_must_exist: bool = False
    sha512: str = "yes"
    tag_parameters: bool = False
    deletes: str = "tags"

    # Referrers. referrers: on, 404, 405, 403, or html (200 with a page). subject_header: whether a push of a referrer
    # is answered with OCI-Subject. fallback_is_subject: a fallback tag that is not there gives the subject itself.
    referrers: str = "on"
    referrers_filter: bool = True
    referrers_page_size: int | None = None
    subject_header: bool = True
    fallback_is_subject: bool = False

    # Blobs, read. blobs: whole, truncated, corrupt, stalling, dripping, longer or html. cuts: the connection is
    # closed after this many bytes, one number per GET of a longer blob. ranges: yes, no (200), wrong (other
    # Content-Range), or 416. blob_redirect: a registry whose /storage/ has the blobs, or "loop". redirect_status: of
    # both redirects. expired_links: how many signed addresses the storage refuses, with link_refusal.
    blobs: str = "whole"
    cuts: list[int] = field(default_factory=list)
    head_blobs: bool = True
    ranges: str = "yes"
    blob_redirect: str | None = None
    redirect_status: int = 307
    expired_links: int = 0
    link_refusal: int = 403

    # Blobs, written. mounts: yes, 202, 403 or anonymous (`from` is not needed). uploads: any, patch (no body in a
    # PUT), put (no PATCH), single (no second PATCH: Artifact Registry), lost (201, and bodies after the first PATCH
    # are dropped: ECR) or closing (the connection, in the middle). upload_cuts: the connection is closed after this
    # many bytes, which are kept, one number per longer body. chunk_limit: bytes of a PATCH with Content-Range, 416
    # above (GHCR). chunk_min: bytes, told in OCI-Chunk-Min-Length. locations: relative, absolute, state (with a query
    # of its own), http (whatever the registry speaks) or new (another one each time). range_header: plain (0-99),
    # bytes (bytes=0-99) or none. upload_status: whether an upload can be asked for (204). forgetful:
    # who asks for one learns that all of it is lost. post_digest: 201 (one POST is enough) or 202. quota: bytes of
    # all blobs of a repository; quota_refusal: 412 or 403 beyond it.
    mounts: str = "yes"
    uploads: str = "any"
    upload_cuts: list[int] = field(default_factory=list)
    chunk_limit: int | None = None
    chunk_min: int | None = None
    locations: str = "relative"
    range_header: str = "plain"
    upload_status: bool = True
    forgetful: bool = False
    post_digest: str = "202"
    blob_put_status: int = 201
    quota: int | None = None
    quota_refusal: int = 412
