import { FONT, PALETTES } from '../charts/theme.ts';

const variables = (palette: keyof typeof PALETTES): string =>
  Object.entries(PALETTES[palette])
    .map(([name, value]) => `--${name}: ${value};`)
    .join(' ');

/** The page's style sheet: light and dark by the system's setting, one column, a print form. */
export const STYLE = `
:root { color-scheme: light dark; --bar: 2.5rem; --heading: 2.75rem; ${variables('light')} }
html { scroll-padding-top: calc(var(--bar) + var(--heading)); }
@media (prefers-color-scheme: dark) { :root { ${variables('dark')} } }
* { box-sizing: border-box; }
body {
  margin: 0 auto; padding: 0 1.5rem 3rem; max-width: 1100px;
  background: var(--paper); color: var(--ink);
  font: 16px/1.5 ${FONT}; font-variant-numeric: tabular-nums; overflow-wrap: break-word;
}
h1, h2, h3, p, dl, figure, table { margin: 0; }
section { margin-top: 1.25rem; scroll-margin-top: calc(-1 * var(--heading)); }
h2 {
  position: sticky; top: var(--bar); z-index: 1; height: var(--heading); padding: 0.375rem 0;
  background: var(--paper); font-size: 1.375rem; line-height: 2rem;
  white-space: nowrap; overflow: hidden; text-overflow: ellipsis;
}
h3 { font-size: 1rem; font-weight: 600; line-height: 1.4; text-wrap: pretty; }
code { font: 0.875rem/1.6 ui-monospace, "SF Mono", Menlo, Consolas, monospace; }
a { color: inherit; }
abbr, a[title] { text-decoration: underline dotted var(--muted); text-underline-offset: 3px; }
abbr { cursor: help; }
a[title]:hover { text-decoration: underline; }
:focus-visible { outline: 2px solid var(--series-1); outline-offset: 2px; }
.tone { white-space: nowrap; } .tone.met { color: var(--met); } .tone.missed { color: var(--missed); }
.muted, .note, dt, th, summary, caption { color: var(--muted); }
.note, summary, .data { font-size: 0.875rem; }

.contents { position: sticky; top: 0; z-index: 2; margin: 0 -1.5rem 1rem; overflow-x: auto; scrollbar-width: none; }
.contents, .contents ul { height: var(--bar); background: var(--paper); border-bottom: 1px solid var(--grid); }
.contents ul { display: flex; gap: 1.25rem; width: max-content; min-width: 100%; margin: 0; padding: 0 1.5rem; list-style: none; }
.contents a {
  display: block; font-size: 0.8125rem; line-height: var(--bar); white-space: nowrap;
  color: var(--muted); text-decoration: none;
}
.contents a:hover, .contents [aria-current] { color: var(--ink); }
.contents [aria-current] { box-shadow: inset 0 -2px var(--series-1); }
.contents a:focus-visible { outline-offset: -2px; }

.verdict { border-left: 6px solid var(--tone); padding-left: 1.25rem; }
.verdict.met { --tone: var(--met); } .verdict.missed { --tone: var(--missed); }
.verdict.unsure { --tone: var(--unsure); } .verdict.none { --tone: var(--muted); }
.verdict h1 { font-size: clamp(1.375rem, 1rem + 1.4vw, 1.625rem); line-height: 1.3; text-wrap: pretty; }
.verdict .glyph { color: var(--tone); margin-right: 0.4em; }
.verdict p { margin-top: 0.625rem; }
.warning { color: var(--missed); font-weight: 600; margin-bottom: 0.625rem; }
.invalid { color: var(--missed); font-weight: 600; margin-bottom: 0.625rem; }
.verdict .diagnosis { max-width: 75ch; text-wrap: pretty; }
header { display: flex; flex-wrap: wrap; align-items: end; gap: 1rem 2rem; }
.verdict { flex: 0 0 100%; min-width: 0; }
header dl { flex: 1 1 60%; min-width: 0; }

dl.facts { display: flex; flex-wrap: wrap; gap: 0.5rem 2rem; }
dl.facts div { min-width: 0; }
dl.facts dt { font-size: 0.875rem; } dl.facts dd { margin: 0; font-size: 0.9375rem; overflow-wrap: anywhere; }
.lines > div { display: grid; grid-template-columns: minmax(9rem, 16rem) 1fr; gap: 0 1.5rem; margin-bottom: 0.5rem; }
.lines.columns { columns: 30rem; column-gap: 3rem; }
.dense { font-size: 0.875rem; }
.dense .lines > div, .columns > div { grid-template-columns: 8.5rem 1fr; margin-bottom: 0.375rem; break-inside: avoid; }
.dense code { font-size: 0.8125rem; }
dl.lines dd { margin: 0; min-width: 0; overflow-wrap: anywhere; }
dl.lines code { white-space: pre-wrap; }

.key { display: flex; flex-wrap: wrap; gap: 0.25rem 2rem; margin: 1rem 0 0; padding: 0; list-style: none; }
.key li { overflow-wrap: anywhere; }

.watch { margin: 0; padding-left: 1.25rem; max-width: 80ch; overflow-wrap: anywhere; }
.watch li + li { margin-top: 0.625rem; }
.watch .todo { display: block; color: var(--muted); }
.trace-figures { margin-top: 1.25rem; }

.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(6.5rem, 1fr)); gap: 1rem 0.75rem; }
.figures dt { font-size: 0.875rem; } .figures dd { margin: 0; font-size: 1.5rem; font-weight: 600; line-height: 1.3; }
.figures .more { display: block; font-size: 0.875rem; font-weight: 400; color: var(--muted); }

table { border-collapse: collapse; }
th, td { padding: 0.25rem 0; text-align: right; vertical-align: baseline; white-space: nowrap; }
th + th, th + td, td + td { padding-left: 1.75rem; }
th { font-weight: 400; font-size: 0.875rem; }
tbody tr { border-top: 1px solid var(--grid); line-height: 1.3; }
th:first-child, td:first-child, .left { text-align: left; }
.tables { display: flex; flex-wrap: wrap; gap: 1.25rem 5rem; }
.wide { overflow-x: auto; max-width: 100%; }
.figures + .tables { margin-top: 1.25rem; }
.aside { position: absolute; right: 0; top: calc((var(--heading) - 1.5em) / 2); z-index: 1; }
#key-figures { position: relative; }
.wide th { white-space: normal; vertical-align: bottom; }
.wide .message { white-space: normal; min-width: 12rem; overflow-wrap: anywhere; }
.wide caption { text-align: left; padding-bottom: 0.25rem; font-size: 0.875rem; }

.lead { margin-bottom: 1rem; text-wrap: pretty; }
section:has(> .panels) > .lead { font-size: 0.875rem; color: var(--muted); margin-bottom: 0.5rem; }
.charts { display: grid; gap: 1.25rem; }
.pairs { grid-template-columns: repeat(auto-fit, minmax(min(100%, 26rem), 1fr)); column-gap: 3rem; }
.triples { grid-template-columns: repeat(auto-fit, minmax(min(100%, 19rem), 1fr)); column-gap: 2.5rem; }
.pairs > :last-child:nth-child(odd) { grid-column: 1 / -1; }
.chart { min-width: 0; }
.panels { gap: 0.25rem; }
.panels .chart { display: flex; flex-wrap: wrap; align-items: baseline; column-gap: 1rem; }
.panels .chart .note { flex: 1 1 12rem; margin: 0; order: -1; text-align: right; }
.panels h3, .panels .note, .panels summary { font-size: 0.875rem; line-height: 1.3; }
.panels figcaption { order: -2; }
.panels .plot { flex: 0 0 100%; order: 1; margin: -4px 0 -3px; }
.panels details { flex: none; }
.panels details[open] { flex: 0 0 100%; order: 2; }
.plot { width: 100%; margin-top: 0.5rem; overflow: hidden; }
.zoomable { position: relative; cursor: crosshair; touch-action: pan-y; user-select: none; }
.cross { position: absolute; top: 0; bottom: 0; width: 1px; background: var(--muted); pointer-events: none; }
.brush { position: absolute; top: 0; bottom: 0; background: var(--series-1); opacity: 0.2; pointer-events: none; }
.reset { margin: 0 0 1rem; }
.plot svg { display: block; max-width: 100%; }
.plot .mark-text text { paint-order: stroke; }
.foot { margin-top: 0.25rem; display: flow-root; }
.foot > details > summary { float: right; margin-left: 1rem; }
.foot > details > :not(summary) { clear: both; }
.panels .foot { display: contents; }
.panels .foot > details > summary { float: none; margin: 0; }
.left-out { color: var(--muted); font-size: 0.875rem; }
.charts + .left-out { margin-top: 0.75rem; }
.kept > summary { margin-bottom: 0.375rem; }
summary { cursor: pointer; width: max-content; }
.data { max-height: 20rem; overflow: auto; margin-top: 0.5rem; }
.data thead th { position: sticky; top: 0; background: var(--paper); }
.records details { margin: 0.25rem 0 0 1rem; }
.words { margin: 0.25rem 0 0 1rem; max-width: 75ch; font-size: 0.875rem; }
.records summary { width: auto; overflow-wrap: anywhere; }
.records dl { font-size: 0.8125rem; margin: 0.5rem 0 1rem; }
.records .lines > div { margin: 0; }
.wide + .records { margin-top: 0.75rem; }
.records .wide { margin: 0.25rem 0 1rem 1rem; font-size: 0.875rem; }
.tip {
  position: fixed; pointer-events: none; max-width: min(22rem, 90vw); padding: 0.25rem 0.5rem;
  background: var(--ink); color: var(--paper); font-size: 0.8125rem; border-radius: 4px;
}
button {
  font: inherit; font-size: 0.875rem; color: inherit; background: none; cursor: pointer;
  border: 1px solid var(--muted); border-radius: 4px; padding: 0.125rem 0.75rem;
}
[hidden] { display: none; }

@media (max-width: 600px) {
  body { padding: 0 1rem 3rem; }
  .contents { margin: 0 -1rem 1rem; }
  .contents ul { padding: 0 1rem; }
  h2 { font-size: 1.1875rem; }
  .verdict { padding-left: 0.875rem; }
  .figures { grid-template-columns: 1fr 1fr; gap: 1.25rem 1rem; }
  .figures dd { font-size: 1.25rem; }
  .lines > div, .dense .lines > div { grid-template-columns: 1fr; margin-bottom: 0.75rem; }
  table { font-size: 0.875rem; }
  th + th, th + td, td + td { padding-left: 0.4375rem; }
  .wide .message { min-width: 8rem; }
  .latency { white-space: normal; min-width: 4.25rem; }
  .panels .chart .note { text-align: left; }
}
.printed body { width: 700px; max-width: none; padding: 0; }
.printed .wide td { white-space: normal; }
.printed .pairs, .printed .triples { grid-template-columns: 1fr 1fr; column-gap: 1.5rem; }
.triples h3 { font-size: 0.9375rem; }
@media (min-width: 760px) {
  .triples > :last-child:nth-child(3n + 2) { grid-column: span 2; }
  .triples:has(> :last-child:nth-child(4)) { grid-template-columns: 1fr 1fr; }
}
.unscripted { display: none; }
@media (scripting: none) { .screen { display: none; } .unscripted { display: block; } }
@page { margin: 12mm; }
@media print {
  :root { color-scheme: light; ${variables('light')} }
  body { max-width: none; padding: 0; font-size: 10pt; }
  abbr, a[title] { text-decoration: none; }
  button, details:not(.kept), .kept summary, .tip, .screen, .contents, #glossary { display: none; }
  section { margin-top: 1.5rem; }
  h2 { position: static; height: auto; white-space: normal; break-after: avoid; }
  .lead { break-after: avoid; }
  .charts { gap: 1.25rem; }
  .panels { gap: 0.25rem; break-inside: avoid; }
  .plot { margin-top: 0.25rem; }
  .chart, table, .figures > *, .lines > div { break-inside: avoid; }
  .wide { overflow: visible; }
  .tables { gap: 0 1.5rem; }
  th + th, th + td, td + td { padding-left: 0.875rem; }
  .plot svg { height: auto; }
}
`;
