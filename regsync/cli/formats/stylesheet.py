"""How the page looks: light and dark, wide and narrow, on a screen and on paper.

Colours stand in `LIGHT` and `DARK`, so that their contrast can be computed (WCAG 2.2, 1.4.3); they
repeat what the words say.
"""

from __future__ import annotations

LIGHT = {
    "page": "#ffffff",
    "card": "#f6f8fa",
    "text": "#1f2328",
    "quiet": "#59636e",
    "line": "#d1d9e0",
    "link": "#0550ae",
    "stale": "#7a4400",
    "gone": "#a40e26",
    "undecided": "#6639a6",
    "fine": "#116329",
}
DARK = {
    "page": "#0d1117",
    "card": "#161b22",
    "text": "#e6edf3",
    "quiet": "#9ba6b1",
    "line": "#3d444d",
    "link": "#79b8ff",
    "stale": "#e8b04a",
    "gone": "#ff938a",
    "undecided": "#c8a5ff",
    "fine": "#6ccf7e",
}

_RULES = """
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1.5rem; max-width: 75rem; background: var(--page);
  color: var(--text); font: 1rem/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
h1 { margin: 0; font-size: 1.6rem; line-height: 1.25; }
h2 { margin: 2rem 0 .5rem; font-size: 1.2rem; }
h3 { display: inline; margin: 0; font: 600 1rem/1.5 ui-monospace, monospace; }
a { color: var(--link); }
a:focus-visible, summary:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; }
code { font: .9em/1.5 ui-monospace, monospace; }
.about, footer, caption { color: var(--quiet); }
.about { margin: .25rem 0 0; }
.counts { display: flex; flex-wrap: wrap; gap: .5rem; margin: 1rem 0; padding: 0;
  list-style: none; }
.counts li { padding: .1rem .7rem; border: 1px solid var(--line); border-radius: 1rem;
  background: var(--card); }
table { width: 100%; border-collapse: collapse; margin: 1rem 0; }
caption { padding: .25rem 0; text-align: left; font-size: .9rem; }
th, td { padding: .45rem .9rem .45rem 0; border-bottom: 1px solid var(--line); text-align: left;
  vertical-align: baseline; }
thead th { color: var(--quiet); font-size: .85rem; font-weight: 600; white-space: nowrap; }
tbody th { min-width: 18rem; font: 1rem/1.5 ui-monospace, monospace; }
.number { text-align: right; white-space: nowrap; }
.verdict { white-space: nowrap; font-weight: 600; }
.stale { color: var(--stale); } .gone { color: var(--gone); } .fine { color: var(--fine); }
.undecided { color: var(--undecided); } .neutral { color: var(--quiet); }
details { margin: .5rem 0; padding: .5rem 1rem; border: 1px solid var(--line);
  border-radius: .4rem; background: var(--card); }
details:target { border-color: var(--link); }
summary { cursor: pointer; }
summary .verdict { margin-left: .75rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1.25rem; margin: .5rem 0; }
dt { color: var(--quiet); }
dd { margin: 0; }
footer { margin-top: 2rem; font-size: .9rem; }
footer p { margin: .25rem 0; }
@media (max-width: 45rem) {
  body { padding: 1rem; }
  thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  table, caption, tbody, tr, tbody th, td { display: block; }
  tr { padding: .5rem 0; border-bottom: 1px solid var(--line); }
  tbody th, td { min-width: 0; padding: .1rem 0; border: 0; }
  .number { text-align: left; }
  td:empty { display: none; }
  td[data-label]::before { content: attr(data-label) ": "; color: var(--quiet); font-weight: 400; }
  dl { grid-template-columns: 1fr; gap: 0; }
  dd { margin-bottom: .35rem; }
}
@media print {
  :root { font-size: 10pt; }
  body { max-width: none; padding: 0; }
  a { color: inherit; text-decoration: none; }
  tr, details { break-inside: avoid; }
  thead { display: table-header-group; }
  details::details-content { content-visibility: visible; height: auto; }
}
"""


def sheet() -> str:
    """The whole style sheet; paper is light, whatever the screen is."""
    return (
        f":root {{ color-scheme: light dark; {_variables(LIGHT)} }}\n"
        f"@media screen and (prefers-color-scheme: dark) {{ :root {{ {_variables(DARK)} }} }}"
        f"{_RULES}"
    )


def _variables(colours: dict[str, str]) -> str:
    return " ".join(f"--{name}: {value};" for name, value in colours.items())
