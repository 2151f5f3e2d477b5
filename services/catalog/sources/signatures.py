"""Ed25519: the key this deployment signs with, and the public keys of those whose packages it takes. Keys come from the environment."""

import base64
import binascii
from dataclasses import dataclass
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey


class BadKey(ValueError):
    """A setting that holds no key; its words name the setting, never the key."""


@dataclass(frozen=True)
class Signer:
    """A private key; `id` names its public key in a signature."""

    private: Ed25519PrivateKey

    @property
    def public(self) -> str:
        """The public key in base64, as others put it into their list."""
        return base64.b64encode(_raw(self.private.public_key())).decode()

    @property
    def id(self) -> str:
        """What signatures call the key."""
        return _id(self.private.public_key())

    def sign(self, message: bytes) -> bytes:
        """The signature over a message."""
        return self.private.sign(message)


def signer_of(key: str) -> Signer:
    """The signer of ZHAOQI_PACKAGE_KEY. Raises BadKey."""
    return Signer(Ed25519PrivateKey.from_private_bytes(_bytes(key, "ZHAOQI_PACKAGE_KEY")))


def new_signer() -> tuple[Signer, str]:
    """A fresh key and how ZHAOQI_PACKAGE_KEY holds it."""
    private = Ed25519PrivateKey.generate()
    return Signer(private), base64.b64encode(private.private_bytes_raw()).decode()


@dataclass(frozen=True)
class Trusted:
    """Those whose packages are taken: names and public keys, by the ids of the keys."""

    names: dict[str, str]
    keys: dict[str, Ed25519PublicKey]

    def verify(self, key: str, message: bytes, signature: bytes) -> bool:
        """Whether a signature is that of the trusted key with this id."""
        try:
            self.keys[key].verify(signature, message)
        except (KeyError, InvalidSignature):
            return False
        return True


def trusted_of(setting: str) -> Trusted:
    """Those whom ZHAOQI_PACKAGE_TRUSTED names: `name=public key`, separated by commas. Raises BadKey."""
    names: dict[str, str] = {}
    keys: dict[str, Ed25519PublicKey] = {}
    for entry in filter(None, (one.strip() for one in setting.split(","))):
        name, _, key = entry.partition("=")
        public = Ed25519PublicKey.from_public_bytes(_bytes(key, "ZHAOQI_PACKAGE_TRUSTED"))
        names[_id(public)], keys[_id(public)] = name.strip() or _id(public), public
    return Trusted(names, keys)


def _bytes(text: str, setting: str) -> bytes:
    try:
        raw = base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadKey(f"{setting} 应为 32 字节的 Ed25519 密钥（base64）") from error
    if len(raw) != 32:
        raise BadKey(f"{setting} 应为 32 字节的 Ed25519 密钥（base64）")
    return raw


def _raw(public: Ed25519PublicKey) -> bytes:
    return public.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)


def _id(public: Ed25519PublicKey) -> str:
    return sha256(_raw(public)).hexdigest()[:32]
