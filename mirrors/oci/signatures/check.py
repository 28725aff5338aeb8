"""Whether an image may be copied: its signatures at the source against the requirements of the policy."""

from __future__ import annotations

from contextlib import aclosing
from enum import IntEnum

from mirrors.oci.content import ContentRepository
from mirrors.oci.errors import Side, SignatureRefused, blame
from mirrors.oci.images.reference import Reference
from mirrors.oci.signatures.cosign import Claim, Signature, UnusableSignature
from mirrors.oci.signatures.found import Finder
from mirrors.oci.signatures.policy import Reject, SignaturePolicy, SigstoreSigned

_REASONS_TOLD = 3
_LONGEST_NAME = 200


async def check_signatures(
    repository: ContentRepository, digest: str, *, reference: str, policy: SignaturePolicy
) -> None:
    """Return if the policy lets this image in; raises SignatureRefused.

    repository: the source, where the signatures lie beside the image. digest: of the manifest or index that the tag
    points at; its signature stands for all below it. reference: `registry/repository:tag`, as the source calls it.
    A fault of the source that is not one signature's alone is raised as it is. Without a sigstoreSigned requirement
    nothing is asked there.
    """
    image = Reference.parse(reference)
    requirements = policy.requirements_for(image, digest=digest)
    if any(isinstance(requirement, Reject) for requirement in requirements):
        raise SignatureRefused(
            f"The signature policy rejects {reference}. Leave it out, or change the policy for it.", side=Side.SOURCE
        )
    signed = [requirement for requirement in requirements if isinstance(requirement, SigstoreSigned)]
    if signed:
        with blame(Side.SOURCE):
            await _Check(repository, digest, image=image).meet(signed)


class _Rank(IntEnum):
    """How near a signature came to be accepted; the nearest is worth telling first."""

    UNUSABLE = 0
    OTHER_KEY = 1
    OTHER_DIGEST = 2
    OTHER_NAME = 3


_ADVICE = {
    _Rank.UNUSABLE: "Sign it again with cosign and a key of the policy.",
    _Rank.OTHER_KEY: "Have it signed with the policy's keys, or add the key that signs it to the policy.",
    _Rank.OTHER_DIGEST: "Sign what the tag points at now.",
    _Rank.OTHER_NAME: "Sign it under its own name, or write a signedIdentity that accepts this one.",
}


class _Check:
    def __init__(self, repository: ContentRepository, digest: str, *, image: Reference) -> None:
        self._repository = repository
        self._digest = digest
        self._image = image
        self._reasons: dict[str, _Rank] = {}

    async def meet(self, requirements: list[SigstoreSigned]) -> None:
        """Look at one signature after the other until each requirement has one that it accepts."""
        finder = Finder(self._repository, self._digest, on_unusable=lambda why: self._refuse(_Rank.UNUSABLE, why))
        async with aclosing(finder.signatures()) as signatures:
            async for signature in signatures:
                requirements = [each for each in requirements if not self._accepts(each, signature)]
                if not requirements:
                    return
        raise self._refusal()

    def _accepts(self, requirement: SigstoreSigned, signature: Signature) -> bool:
        if not any(key.made(value, signature.content) for key in requirement.keys for value in signature.values):
            how = "without a key (keyless), which is not verified" if signature.keyless else "by a key it does not want"
            return self._refuse(_Rank.OTHER_KEY, f"was made {how}")
        try:
            claims = [claim for claim in signature.claims() if claim.digest == self._digest]
        except UnusableSignature as error:
            return self._refuse(_Rank.UNUSABLE, str(error))
        if not claims:
            return self._refuse(_Rank.OTHER_DIGEST, "is for another image")
        if any(requirement.identity.matches(claim.reference, image=self._image) for claim in claims):
            return True
        return self._refuse(_Rank.OTHER_NAME, _other_name(claims[0], wanted=requirement.identity.kind))

    def _refuse(self, rank: _Rank, reason: str) -> bool:
        self._reasons[reason] = rank
        return False

    def _refusal(self) -> SignatureRefused:
        reasons = sorted(self._reasons, key=lambda reason: -self._reasons[reason])
        if not reasons:
            return SignatureRefused(
                f"{self._image} has no signature at {self._repository.location}, and the policy wants one. "
                "Sign it there with cosign, or change the policy for it."
            )
        told = "; ".join(f"one {reason}" for reason in reasons[:_REASONS_TOLD])
        return SignatureRefused(
            f"{self._image} has no signature that the policy accepts: {told}. {_ADVICE[self._reasons[reasons[0]]]}"
        )


def _other_name(claim: Claim, *, wanted: str) -> str:
    if not claim.name:
        return (
            f"names no repository, as cosign 3 never does, where the policy wants {wanted}: only matchDigest takes that"
        )
    found = claim.reference
    bare = "" if found is None or found.tag or found.digest else ", without a tag,"
    return f"names {claim.name[:_LONGEST_NAME]!r}{bare} where the policy wants {wanted}"
