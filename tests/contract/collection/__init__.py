"""How the Ansible collection `infra.quay_configuration` talks to Quay: its calls in their order, and what it reads.

Written from a description of what it sends, for the tests of the contract; nothing of its code is here.
"""

from tests.contract.collection.client import Client, ModuleFailed

__all__ = ["Client", "ModuleFailed"]
