"""Every setting of Mirrorfarm, read from the environment; each is documented where it stands.

Two profiles, chosen by settings alone. *Embedded* (nothing set): SQLite, a broker that `manage.py up` starts, content
in DATA_DIR. *Farm*: DATABASE_URL and BROKER_URL are given. Any setting may come from a file: NAME_FILE=/path.
"""

from __future__ import annotations

import sqlite3
from datetime import timedelta
from pathlib import Path

import environ
from django.core.exceptions import ImproperlyConfigured

from mirrorfarm.embedded import broker_url_of, generated_secret
from mirrorfarm.environment import Environment

BASE_DIR = Path(__file__).resolve().parent.parent
env = Environment()

# --- Where things are ---------------------------------------------------------------------------------------------

# Directory for everything the embedded profile writes: database, keys, content, the broker's file. Back it up whole.
DATA_DIR = env.path("DATA_DIR", BASE_DIR / "data")

# Directory of the built-in store's content. Every worker and web process needs the same one.
STORE_DIR = env.path("STORE_DIR", DATA_DIR / "store")

# postgres://user:password@host:5432/name. Given: the farm profile. Unset: SQLite in DATA_DIR.
DATABASE_URL = env.url("DATABASE_URL", schemes=("postgres", "postgresql"))

# True when nothing but this machine is needed.
EMBEDDED = not DATABASE_URL

# redis://[:password@]host:6379/0, rediss:// for TLS. Required in the farm profile; embedded, `manage.py up` starts one.
BROKER_URL = env.url("BROKER_URL", schemes=("redis", "rediss", "sentinel")) or (
    broker_url_of(DATA_DIR) if EMBEDDED else ""
)
if not EMBEDDED and not BROKER_URL:
    raise ImproperlyConfigured("BROKER_URL is not set while DATABASE_URL is: the farm profile needs both.")

# The address people and registry clients use to reach this farm, without a trailing slash.
PUBLIC_URL = env.url("PUBLIC_URL", "http://127.0.0.1:8000", schemes=("http", "https")).rstrip("/")

# --- Secrets ------------------------------------------------------------------------------------------------------

# Signs sessions and registry tokens. Embedded: made at the first start and kept in DATA_DIR/keys.
SECRET_KEY = env.text("SECRET_KEY") or (generated_secret(DATA_DIR, "secret_key") if EMBEDDED else "")
if not SECRET_KEY:
    raise ImproperlyConfigured("SECRET_KEY is not set: the farm profile needs one (50 random characters or more).")

# Fernet keys that encrypt credentials at rest, comma-separated. The first encrypts, all decrypt: to rotate, put a new
# one in front, run `manage.py rotate_keys`, then drop the old one. Embedded: made at the first start, in DATA_DIR/keys.
ENCRYPTION_KEYS = env.words("ENCRYPTION_KEYS") or ([generated_secret(DATA_DIR, "encryption_key")] if EMBEDDED else [])

# --- The farm -----------------------------------------------------------------------------------------------------

# Seconds between two looks for due mirrors (Quay's name and default).
REPO_MIRROR_INTERVAL = env.integer("REPO_MIRROR_INTERVAL", 30, minimum=1, maximum=3600)

# Workers that there should be: health says so where fewer report. 0: as many as there are (Quay's name).
REPO_MIRROR_WORKER_REPLICAS = env.integer("REPO_MIRROR_WORKER_REPLICAS", 0, minimum=0)

# Seconds between two sweeps for expired leases and lost messages.
SWEEP_INTERVAL = env.integer("SWEEP_INTERVAL", 15, minimum=1, maximum=600)

# Seconds a running sync's lease lasts. A worker that dies is noticed this long after its last renewal.
LEASE_SECONDS = env.integer("LEASE_SECONDS", 60, minimum=5, maximum=3600)
LEASE = timedelta(seconds=LEASE_SECONDS)

# Seconds between two renewals of a lease. Must be well below LEASE_SECONDS.
LEASE_RENEWAL_SECONDS = env.integer("LEASE_RENEWAL_SECONDS", 15, minimum=1, maximum=1200)

# Attempts of one sync before it counts as failed until its next due time (Quay: 3).
SYNC_ATTEMPTS = env.integer("SYNC_ATTEMPTS", 3, minimum=1, maximum=10)

# Seconds before the second attempt; each further one waits twice as long, with jitter.
RETRY_DELAY_SECONDS = env.integer("RETRY_DELAY_SECONDS", 30, minimum=1, maximum=3600)

# Seconds a queued sync may wait unclaimed before its message counts as lost and is sent again.
BELL_GRACE_SECONDS = env.integer("BELL_GRACE_SECONDS", 30, minimum=1, maximum=3600)

# Tags of one repository that are copied at the same time.
TAG_CONCURRENCY = env.integer("TAG_CONCURRENCY", 16, minimum=1, maximum=64)

# Seconds within which the target is not asked again for tags that the database knows and the source has not moved. A
# sync that somebody asks for always asks both sides.
TARGET_CHECK_SECONDS = env.integer("TARGET_CHECK_SECONDS", 86_400, minimum=0, maximum=30 * 86_400)

# Seconds without a byte after which a connection counts as stalled, for reaching a registry, and for its answer after
# the last byte of an upload. How long a whole tag may take is each mirror's own setting.
STALL_SECONDS = env.integer("STALL_SECONDS", 60, minimum=1, maximum=3600)
CONNECT_SECONDS = env.integer("CONNECT_SECONDS", 10, minimum=1, maximum=300)
COMMIT_SECONDS = env.integer("COMMIT_SECONDS", 300, minimum=1, maximum=3600)

# Bytes of a manifest, and entries of an index, that are copied at most (Quay's names).
REPO_MIRROR_MAX_MANIFEST_LIST_SIZE = env.integer("REPO_MIRROR_MAX_MANIFEST_LIST_SIZE", 10_485_760, minimum=65_536)
REPO_MIRROR_MAX_MANIFEST_ENTRIES = env.integer("REPO_MIRROR_MAX_MANIFEST_ENTRIES", 1000, minimum=1)

# Connections to one registry at the same time, per running sync.
CONNECTIONS_PER_REGISTRY = env.integer("CONNECTIONS_PER_REGISTRY", 32, minimum=1, maximum=256)

# Whether certificates of remote target registries are verified, unless the registry says otherwise (Quay's name).
REPO_MIRROR_TLS_VERIFY = env.boolean("REPO_MIRROR_TLS_VERIFY", True)

# Whether a mirror may keep an index of which only some images are copied (Quay's name). Off: whoever filters
# architectures or platforms has the index rewritten, by index_mode.
FEATURE_SPARSE_INDEX = env.boolean("FEATURE_SPARSE_INDEX", True)

# Days a finished sync and its tags stay in the history.
HISTORY_DAYS = env.integer("HISTORY_DAYS", 90, minimum=1)

# Days an entry stays in the audit log; 0 keeps all.
LOG_RETENTION_DAYS = env.integer("LOG_RETENTION_DAYS", 90, minimum=0)

# --- Safety -------------------------------------------------------------------------------------------------------

# Where connections to registries may go, by their word too. strict: public addresses alone. private-allowed: also the
# private networks (10/8, 172.16/12, 192.168/16, 100.64/10, fc00::/7) and names ending in .local or .internal. Loopback,
# link-local and metadata services never. Registries set up in the admin are reached at their own address in any case.
EGRESS_POLICY = env.text("EGRESS_POLICY", "strict", choices=("strict", "private-allowed"))

# Hosts that may be reached although the policy does not permit it (Quay's name): exact names, addresses and networks,
# each alone or with a port, for example registry.corp.local,10.2.0.0/16,127.0.0.1:5000.
SSRF_ALLOWED_HOSTS = env.words("SSRF_ALLOWED_HOSTS")

# Networks that may not be reached although the policy permits it, for example the one of the farm's own services.
EGRESS_BLOCKED_NETWORKS = env.networks("EGRESS_BLOCKED_NETWORKS")

# Reverse proxies in front of the web server that each append to X-Forwarded-For. The address that sign-ins are counted
# by, and that the audit log shows, is then the one that the outermost of them has seen. 0: clients connect directly.
TRUSTED_PROXIES = env.integer("TRUSTED_PROXIES", 0, maximum=10)

# Whether POST /api/v1/user/initialize makes the first user, an administrator, while there is none (Quay's name).
FEATURE_USER_INITIALIZE = env.boolean("FEATURE_USER_INITIALIZE", False)

# Shows errors with their source code. Never on a machine that others can reach.
DEBUG = env.boolean("DEBUG", False)

# Host names under which the web server answers; `*` for any.
ALLOWED_HOSTS = env.words(
    "ALLOWED_HOSTS", ("*",) if EMBEDDED else (environ.urlparse(PUBLIC_URL).hostname or "localhost",)
)

# Lowest level that reaches the log.
LOG_LEVEL = env.text("LOG_LEVEL", "INFO", choices=("DEBUG", "INFO", "WARNING", "ERROR"))

# --- Signing in with OpenID Connect -------------------------------------------------------------------------------

# The provider's issuer, exactly as its discovery document (/.well-known/openid-configuration) writes it. Empty: people
# sign in with passwords alone. The redirect address to register there is PUBLIC_URL/oidc/callback.
OIDC_ISSUER = env.text("OIDC_ISSUER")

# This farm's client at the provider.
OIDC_RP_CLIENT_ID = env.text("OIDC_RP_CLIENT_ID")
OIDC_RP_CLIENT_SECRET = env.text("OIDC_RP_CLIENT_SECRET")

# The provider's endpoints, from the same document: authorization_endpoint, token_endpoint, userinfo_endpoint, jwks_uri.
OIDC_OP_AUTHORIZATION_ENDPOINT = env.url("OIDC_OP_AUTHORIZATION_ENDPOINT", schemes=("http", "https"))
OIDC_OP_TOKEN_ENDPOINT = env.url("OIDC_OP_TOKEN_ENDPOINT", schemes=("http", "https"))
OIDC_OP_USER_ENDPOINT = env.url("OIDC_OP_USER_ENDPOINT", schemes=("http", "https"))
OIDC_OP_JWKS_ENDPOINT = env.url("OIDC_OP_JWKS_ENDPOINT", schemes=("http", "https"))

# How the provider signs its tokens, and what it is asked to tell.
OIDC_RP_SIGN_ALGO = env.text("OIDC_RP_SIGN_ALGO", "RS256", choices=("RS256", "RS384", "RS512", "ES256", "ES384"))
OIDC_RP_SCOPES = env.text("OIDC_RP_SCOPES", "openid email profile")

# Whether people whom the farm does not know yet get an account. Else an administrator fills in their OpenID subject.
OIDC_CREATE_USER = env.boolean("OIDC_CREATE_USER", True)

# What the button on the sign-in page calls the provider.
OIDC_NAME = env.text("OIDC_NAME", "OpenID") if OIDC_ISSUER else ""

# Seconds that each of the three calls to the provider may take while somebody signs in.
OIDC_TIMEOUT = env.integer("OIDC_TIMEOUT", 5, minimum=1, maximum=60)

OIDC_USE_PKCE = True
OIDC_AUTHENTICATION_CALLBACK_URL = "web:openid-callback"
if OIDC_ISSUER:
    for _name in (
        "OIDC_RP_CLIENT_ID",
        "OIDC_RP_CLIENT_SECRET",
        "OIDC_OP_AUTHORIZATION_ENDPOINT",
        "OIDC_OP_TOKEN_ENDPOINT",
        "OIDC_OP_USER_ENDPOINT",
        "OIDC_OP_JWKS_ENDPOINT",
    ):
        if not globals()[_name]:
            raise ImproperlyConfigured(f"{_name} is not set while OIDC_ISSUER is: signing in with OpenID needs it.")

# --- Django -------------------------------------------------------------------------------------------------------

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "mirrors",
]

MIDDLEWARE = [
    "mirrorfarm.proxies.client_address",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "mirrorfarm.csrf.CSRFMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "mirrors.web.acting.acting_account",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "mirrors.web.security.content_security_policy",
]

ROOT_URLCONF = "mirrorfarm.urls"
WSGI_APPLICATION = "mirrorfarm.wsgi.application"
APPEND_SLASH = False

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
            "libraries": {"components": "mirrors.web.templatetags.components"},
        },
    },
]

if EMBEDDED:
    # Write-ahead logging corrupted databases with several writing processes before SQLite 3.51.3
    # (sqlite.org/wal.html#walresetbug), and IMMEDIATE is what keeps "database is locked" away.
    _journal = (
        "PRAGMA journal_mode=WAL;PRAGMA synchronous=NORMAL;"
        if sqlite3.sqlite_version_info >= (3, 51, 3)
        else "PRAGMA journal_mode=TRUNCATE;PRAGMA synchronous=FULL;"
    )
    DATABASES = {
        "default": {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": DATA_DIR / "mirrorfarm.sqlite3",
            "OPTIONS": {"transaction_mode": "IMMEDIATE", "timeout": 20, "init_command": _journal},
        }
    }
else:
    _database = environ.Env.db_url_config(DATABASE_URL)
    # A server that vanished without a word is noticed within half a minute, where the kernel would wait two hours.
    _patience = {
        "connect_timeout": 10,
        "keepalives_idle": 10,
        "keepalives_interval": 5,
        "keepalives_count": 3,
        "tcp_user_timeout": 30_000,
    }
    DATABASES = {
        "default": _database
        | {
            "CONN_MAX_AGE": 60,
            "CONN_HEALTH_CHECKS": True,
            "OPTIONS": _patience | _database.get("OPTIONS", {}),
        }
    }

DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
AUTH_USER_MODEL = "mirrors.User"
AUTHENTICATION_BACKENDS = ["mirrors.services.accounts.sign_in.PasswordBackend"]
if OIDC_ISSUER:
    AUTHENTICATION_BACKENDS.append("mirrors.services.accounts.openid.OpenIDBackend")
LOGIN_URL = "web:sign-in"
LOGIN_REDIRECT_URL = "web:repositories"
LOGOUT_REDIRECT_URL = "web:sign-in"

LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_I18N = True
USE_TZ = True

STATIC_URL = "static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
# Directory that `manage.py collectstatic` fills and the web server reads. Unset: files are served from where they are.
STATIC_ROOT = str(env.path("STATIC_ROOT", Path())) if env.text("STATIC_ROOT") else None
WHITENOISE_USE_FINDERS = STATIC_ROOT is None

_over_tls = PUBLIC_URL.startswith("https://")
SESSION_COOKIE_SECURE = _over_tls
CSRF_COOKIE_SECURE = _over_tls
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]
CSRF_FAILURE_VIEW = "mirrorfarm.error_pages.csrf_failure"
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if _over_tls else None
SESSION_COOKIE_NAME = "mirrorfarm_session"
SESSION_ENGINE = "mirrorfarm.sessions"

REST_FRAMEWORK = {
    # Who is asked and what for stands in mirrors/api/endpoint.py; a view that forgets to derive from it is closed.
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "EXCEPTION_HANDLER": "mirrors.api.errors.answer_error",
    "DEFAULT_SCHEMA_CLASS": "mirrors.api.documents.schema.EndpointSchema",
}

# The OpenAPI document (`manage.py spectacular` prints it); the rest of it is made in mirrors/api/documents.
SPECTACULAR_SETTINGS = {
    "OAS_VERSION": "3.1.0",
    "TITLE": "Mirrorfarm",
    "DESCRIPTION": (
        "Quay's API, as far as mirroring needs it, and what Quay does not have, which is marked `x-ours`.\n\n"
        "Every address answers with and without a slash at its end. Requests and answers are JSON."
    ),
    "VERSION": "v1",
    "SERVERS": [
        {"url": "/", "description": "Where this document was found"},
        {"url": PUBLIC_URL, "description": "This farm"},
    ],
    "SERVE_INCLUDE_SCHEMA": False,
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "SORT_OPERATIONS": False,
    "SORT_OPERATION_PARAMETERS": False,
    "PREPROCESSING_HOOKS": ["mirrors.api.documents.completion.one_path_per_route"],
    "POSTPROCESSING_HOOKS": ["mirrors.api.documents.completion.complete"],
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": LOG_LEVEL},
}
