"""What is to be there, as documents: the custom resources of the Quay API operator, without a cluster.

streams         YAML and JSON in and out
documents       one document, checked for its shape, and where its secrets come from
keys            how each key of a spec is read, compared and shown
kinds           what all kinds of documents share; organizations, robots, repositories and mirrors have a file each
applying        bring what is there to what is declared, or say how it differs
exporting       declare what is there
"""

from mirrors.services.declarations.applying import Action, Applied, apply, documents_of
from mirrors.services.declarations.exporting import export
from mirrors.services.declarations.rights import Rights
from mirrors.services.declarations.streams import read_json, read_yaml, write_yaml

__all__ = [
    "Action",
    "Applied",
    "Rights",
    "apply",
    "documents_of",
    "export",
    "read_json",
    "read_yaml",
    "write_yaml",
]
