"""From the card to the way back: what the app does with a card, what is granted, and how a request ends.

The same functions serve the phone screens, the test-card-substitute page and the headless switch.
"""

import os
from base64 import b64decode, b64encode
from collections.abc import Mapping
from hashlib import sha256

import msgspec

from honnin.sandbox.digital_auth import grants
from honnin.sandbox.digital_auth.app_card import AppCard, CardFailedError, Pin
from honnin.sandbox.digital_auth.authorizing import Asked, way_back
from honnin.sandbox.digital_auth.grants import Grant
from honnin.sandbox.digital_auth.parties import party
from honnin.sandbox.digital_auth.profile import Profile, profile
from honnin.sandbox.digital_auth.store import new_secret
from honnin.sandbox.digital_auth.subjects import subject
from honnin.sandbox.digital_auth.transactions import DIGEST_INFOS, finish, proof_of_showing, transaction
from honnin.sandbox.digital_auth.validity import check_signature, check_status, entry_of
from honnin.sandbox.world import World

__all__ = ["BIOMETRICS", "OK", "Used", "grant", "item_scopes", "pins_needed", "purpose_of", "refuse", "use_card"]

OK = "ok"
BIOMETRICS = "\0biometrics"  # in the place of a PIN: face or finger on a phone


class Used(msgspec.Struct, frozen=True):
    """What the card gave: certificate and signature (base64), the register's person, items that were asked for."""

    person: str
    medium: str
    certificate: str
    signature: str
    items: dict[str, str]

    def __repr__(self) -> str:
        return "Used(…)"


def purpose_of(asked: Asked) -> Pin:
    """Return whose PIN is asked: the signature's in the sign flow, else the user authentication's."""
    return "user_authentication" if asked.sign_transaction_id is None else "signature"


def item_scopes(shape: Profile, asked: Asked) -> tuple[str, ...]:
    """Return which of the four items are asked for."""
    return tuple(scope for scope in shape.scopes.items if scope in asked.scopes)


def pins_needed(world: World, asked: Asked, card: AppCard) -> tuple[Pin, ...]:
    """Return the PINs in the official order; a phone gives the items without a second one."""
    items = item_scopes(profile(world), asked)
    return (purpose_of(asked), "input_support") if items and not card.is_phone else (purpose_of(asked),)


def use_card(world: World, asked: Asked, card: AppCard, pins: Mapping[Pin, str]) -> Used:
    """Give the PINs to the card, let it sign, and ask J-LIS where the agency does (login, not signing).

    Raises WrongPinError, CardFailedError.
    """
    shape, purpose = profile(world), purpose_of(asked)
    assert purpose != "input_support"  # noqa: S101
    if card.is_phone and not shape.assumptions.medium.phones_accepted:
        raise CardFailedError("phone_refused")
    if not card.issued(purpose):
        raise CardFailedError("not_issued")
    if pins[purpose] == BIOMETRICS:
        card.by_biometrics(purpose)
    else:
        card.verify(purpose, pins[purpose])
    certificate = card.certificate(purpose)
    entry = entry_of(world, certificate)
    if asked.sign_transaction_id is None:
        signature = _answer_challenge(card, certificate, elliptic=entry.line != "rsa")
        acr = shape.assumptions.acr
        source = next((token for token in asked.acr_values if token in {"ocsp", "crl"}), acr.by_default)
        check_status(world, entry, source)
    else:
        signature = card.sign(purpose, transaction(world, asked.sign_transaction_id).given)
    items: dict[str, str] = {}
    if wanted := item_scopes(shape, asked):
        if "input_support" in pins:
            card.verify("input_support", pins["input_support"])
        items = {name: value for name, value in card.items().items() if name in wanted}
    medium = "phone" if card.is_phone else "card"
    return Used(entry.person, medium, b64encode(certificate).decode(), b64encode(signature).decode(), items)


def _answer_challenge(card: AppCard, certificate: bytes, *, elliptic: bool) -> bytes:
    """Let the card sign a fresh challenge of the agency, and check it."""
    digest = sha256(os.urandom(32)).digest()
    signature = card.sign("user_authentication", digest if elliptic else DIGEST_INFOS[len(digest)] + digest)
    check_signature(certificate, digest, signature)
    return signature


def grant(world: World, asked: Asked, used: Used, *, language: str, state: str = "up") -> str:
    """Grant what was asked, and return the way back with a code.

    state: how the `authorization` service is switched.
    """
    shape, client = profile(world), party(world, asked.client_id)
    if client is None:
        return refuse(world, asked, "server_error", state=state)
    if asked.sign_transaction_id is not None:
        found, signature = transaction(world, asked.sign_transaction_id), b64decode(used.signature)
        shown = proof_of_showing(world, found, asked.issuer, language, signature)
        if not finish(world, found.transaction_id, signature, b64decode(used.certificate), shown):
            return refuse(world, asked, "server_error", state=state)
    now, code, sid = world.now(), new_secret(), new_secret()
    made = Grant(
        client_id=client.client_id,
        issuer=asked.issuer,
        scopes=asked.scopes,
        sub=subject(world, client, used.person),
        sid=sid,
        auth_time=int(now.timestamp()),
        acr=shape.assumptions.acr.level,
        nonce=asked.nonce,
        redirect_uri=asked.redirect_uri,
        code_challenge=asked.code_challenge,
        items=used.items,
        sign_transaction_id=asked.sign_transaction_id,
        medium=used.medium,
    )
    with world.transaction():
        grants.add_secret(world, grants.keep(world, made), "code", code, shape.assumptions.lifetimes.code)
    back = {"state": asked.state, "code": code}
    if shape.assumptions.id_token.session_state:
        back["session_state"] = sid
    return _back(shape, asked, back, state)


def refuse(world: World, asked: Asked, reason: str, *, state: str = "up") -> str:
    """Return the way back with the error of a situation (assumption A-03)."""
    shape = profile(world)
    answer = shape.assumptions.answers[reason]
    back = {"error": answer.error, "error_description": answer.description, "state": asked.state}
    return _back(shape, asked, back, state)


def _back(shape: Profile, asked: Asked, back: dict[str, str], state: str) -> str:
    if shape.assumptions.id_token.response_iss:
        back["iss"] = asked.issuer
    if state == "no_state":
        del back["state"]
    if state == "wrong_state":
        back["state"] = new_secret()
    return way_back(asked.redirect_uri, back)
