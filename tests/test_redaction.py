"""Secrets in texts of others."""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Callable
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regsync.identity import Credentials
from regsync.redaction import HIDDEN, Redaction


def _encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


FORMS: tuple[Callable[[str], str], ...] = (
    str,
    _encoded,
    lambda secret: _encoded(secret).rstrip("="),
    lambda secret: _encoded(f"ann:{secret}"),
    lambda secret: quote(_encoded(f"ann:{secret}"), safe=""),
    lambda secret: base64.urlsafe_b64encode(f"ann:{secret}".encode()).decode().rstrip("="),
    quote,
    quote_plus,
    lambda secret: quote(secret, safe="").lower() if secret.islower() else quote(secret, safe=""),
    lambda secret: json.dumps(secret)[1:-1],
    html.escape,
)


@given(st.text(st.characters(codec="utf-8"), min_size=6, max_size=40), st.sampled_from(FORMS))
def test_no_form_is_left(secret: str, form: Callable[[str], str]) -> None:
    redaction = Redaction()
    redaction.add(Credentials("ann", secret))
    assert redaction.hide(f"<{form(secret)}>").strip("=<>") in (HIDDEN, HIDDEN + HIDDEN)


@pytest.mark.parametrize("kept", [12, 13, 30])
def test_the_beginning_of_a_secret_that_was_cut(kept: int) -> None:
    redaction = Redaction()
    redaction.add_secret("eyJhbGciOiJSUzI1NiIs.eyJzdWIiOiJhbm4")
    cut = "eyJhbGciOiJSUzI1NiIs.eyJzdWIiOiJhbm4"[:kept]
    assert redaction.hide(f"refused {cut}: 403") == f"refused {HIDDEN}: 403"


def test_a_short_one_is_no_part_of_a_word() -> None:
    redaction = Redaction()
    redaction.add_secret("re")
    assert redaction.hide("refused: re, and `re`") == f"refused: {HIDDEN}, and `{HIDDEN}`"
    assert Redaction().hide("re") == "re"
