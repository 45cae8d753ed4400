"""A status report in which everything that others have a say in tries to be more than text."""

from __future__ import annotations

from dataclasses import replace

from reports import OURS, THEIRS, entry, explanation, report

from regsync.errors import Unauthorized
from regsync.operations.report import StatusReport, UsedBy
from regsync.operations.verdict import Kind, Verdict, unknown

HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "</style><style>body{display:none}</style>",
    "</summary></details></table><iframe src=//example.com></iframe>",
    "&lt;b&gt; &amp; &#60;",
    "<!-- ]]> --> <![CDATA[",
    "javascript:alert(1) | a=1;;;0",
    "<a href=//example.com>\u540d\u524d \u00fc \U0001f433</a>",
)
"""Texts that must come out as they are."""
INVISIBLE = "a\x00b\x1b[31mc\u202ed\ud800e\uffff"
"""What no document may hold as it is."""


def hostile() -> StatusReport:
    """Every text of `HOSTILE` as a name, a version, a note, a failure, a hint and a container."""
    entries = []
    for number, text in enumerate((*HOSTILE, INVISIBLE)):
        error = Unauthorized("cannot read it", text, text)
        moved = Verdict(
            Kind.OUTDATED, "moved", local_digest=OURS, remote_digest=THEIRS, changed=text
        )
        use = UsedBy(f"c{number}", text, True, True)
        told = replace(explanation(), compare_url=text, notes=(text,))
        row = entry(f"team/app{number}:1", moved.noting(text), use)
        entries += [
            replace(row, name=text),
            replace(row, explanation=told),
            entry(f"team/other{number}:1", unknown(error)),
        ]
    return report(*entries)
