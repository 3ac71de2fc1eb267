// SPDX-License-Identifier: Apache-2.0
// The look of the HTML report: one column that a phone, a desk and paper can read; colours that people
// who see red and green alike can tell apart (blue for answered, orange for failed).
#pragma once

namespace blackstart::report {

inline constexpr char kStyle[] = R"css(
:root { color-scheme: light dark;
  --paper: #ffffff; --ink: #1b1f24; --soft: #57606a; --rule: #d8dee4; --shade: #f5f7f9;
  --good: #0b61a4; --bad: #b3400b; --warn: #7a5b00; --fill-good: #3d86c6; --fill-bad: #e0732f; --fill-none: #e9edf1; }
@media (prefers-color-scheme: dark) { :root {
  --paper: #14171a; --ink: #e8ebee; --soft: #a2abb4; --rule: #343b42; --shade: #1d2227;
  --good: #79b8ee; --bad: #f79b66; --warn: #dcb94f; --fill-good: #4a93d3; --fill-bad: #dd7a3c; --fill-none: #2a3138; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1.5rem 1rem 3rem; max-width: 62rem; background: var(--paper); color: var(--ink);
  font: 1rem/1.5 system-ui, "Segoe UI", "Helvetica Neue", "DejaVu Sans", sans-serif; overflow-wrap: anywhere; }
h1, h2 { line-height: 1.25; font-weight: 650; }
h1 { font-size: 1.5rem; margin: 0.25rem 0 0.5rem; }
h2 { font-size: 1.125rem; margin: 2.5rem 0 0.75rem; padding-top: 0.75rem; border-top: 1px solid var(--rule); }
header { border-left: 6px solid var(--warn); padding: 0.25rem 0 0.25rem 1rem; }
header.pass { border-color: var(--good); } header.fail { border-color: var(--bad); }
header p { margin: 0.25rem 0; }
.verdict { font-weight: 700; letter-spacing: 0.02em; color: var(--warn); }
.pass .verdict { color: var(--good); } .fail .verdict { color: var(--bad); }
.meta { color: var(--soft); font-size: 0.875rem; }
.lead { font-size: 1.125rem; margin: 1.25rem 0; max-width: 46rem; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(9.25rem, 1fr)); gap: 0.75rem; margin: 1.25rem 0; }
.tile { background: var(--shade); border: 1px solid var(--rule); border-radius: 6px; padding: 0.75rem; }
.tile, .tile dt, .tile dd { margin: 0; }
.tile dt { color: var(--soft); font-size: 0.8125rem; }
.tile dd.value { font-size: 1.375rem; font-weight: 650; line-height: 1.3; font-variant-numeric: tabular-nums; }
.tile dd.note { color: var(--soft); font-size: 0.8125rem; line-height: 1.35; }
table { border-collapse: collapse; width: 100%; font-size: 0.875rem; font-variant-numeric: tabular-nums; }
th, td { text-align: left; vertical-align: top; padding: 0.375rem 0.75rem 0.375rem 0; border-bottom: 1px solid var(--rule);
  overflow-wrap: normal; }
.long { overflow-wrap: anywhere; }
thead th { color: var(--soft); font-weight: 500; }
td:last-child, th:last-child { padding-right: 0; }
tbody th { font-weight: 600; }
ul { padding-left: 1.25rem; margin: 0.75rem 0; } li { margin: 0.25rem 0; }
.good { color: var(--good); } .bad { color: var(--bad); font-weight: 600; } .warn { color: var(--warn); }
.matrix { table-layout: fixed; margin-bottom: 1rem; }
.matrix th, .matrix td { border: 1px solid var(--rule); padding: 0.5rem; }
.matrix td { background: var(--paper); height: 3.25rem; }
.matrix td.hit { background: var(--shade); }
.matrix small { display: block; font-weight: 600; }
figure { margin: 0.75rem 0 1.25rem; } figcaption { color: var(--soft); font-size: 0.8125rem; margin-top: 0.5rem; }
svg { display: block; max-width: 100%; height: auto; } .narrow { display: none; }
svg text { font: 12px system-ui, "Segoe UI", "Helvetica Neue", "DejaVu Sans", sans-serif; fill: var(--ink);
  stroke: var(--paper); stroke-width: 3px; paint-order: stroke; stroke-linejoin: round; }
svg .faint { fill: var(--soft); } svg .strong { font-weight: 600; }
svg .plain { stroke: none; } svg .grid { stroke: var(--rule); } svg .zero { stroke: var(--ink); stroke-dasharray: 3 3; }
svg .phase { fill: var(--shade); stroke: var(--rule); } svg .empty { fill: var(--fill-none); }
svg .answered { fill: var(--fill-good); } svg .failed, svg .fault { fill: var(--fill-bad); }
svg .bound { opacity: 0.55; } svg .idle { fill: none; stroke: var(--bad); stroke-dasharray: 4 3; }
svg .under-fault { fill: var(--fill-bad); opacity: 0.16; }
svg .curve { fill: none; stroke: var(--fill-good); stroke-width: 2.5; stroke-linejoin: round; }
svg .flag { stroke: var(--soft); stroke-dasharray: 2 3; } svg .flag.bad { stroke: var(--bad); stroke-dasharray: none; }
svg .yardstick { stroke: var(--rule); } svg .target { fill: var(--ink); }
.key i { display: inline-block; width: 0.8em; height: 0.8em; margin: 0 0.35em 0 0.75em; vertical-align: -0.05em; }
.key i:first-child { margin-left: 0; }
.key .answered { background: var(--fill-good); } .key .failed { background: var(--fill-bad); }
.key .empty { background: var(--fill-none); outline: 1px solid var(--rule); }
footer { margin-top: 3rem; color: var(--soft); font-size: 0.8125rem; }
@media screen and (max-width: 44rem) {
  .wide { display: none; } .narrow { display: block; }
  .stacked thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  .stacked, .stacked tbody, .stacked tr, .stacked td, .stacked th { display: block; }
  .stacked tr { border: 1px solid var(--rule); border-radius: 6px; padding: 0.5rem 0.75rem; margin-bottom: 0.5rem; }
  .stacked td, .stacked th { border: 0; padding: 0.125rem 0; }
  th, td { overflow-wrap: anywhere; } .stacked td:empty { display: none; }
  table:not(.stacked):not(.matrix) tbody th { min-width: 6.25rem; }
  .stacked td[data-label] { display: grid; grid-template-columns: 6.5rem 1fr; gap: 0.5rem; }
  .stacked td[data-label]::before { content: attr(data-label); color: var(--soft); }
  .matrix { font-size: 0.6875rem; table-layout: auto; } .matrix th[scope=col] + th { min-width: 3.9rem; } .matrix th, .matrix td { padding: 0.25rem; }
  .matrix th { overflow-wrap: normal; }
}
@media print {
  :root { color-scheme: light; --paper: #ffffff; --ink: #000000; --soft: #444444; --rule: #bbbbbb; --shade: #f3f3f3;
    --good: #0b4f86; --bad: #8f3207; --warn: #5f4700; --fill-good: #3d86c6; --fill-bad: #e0732f; --fill-none: #e9edf1; }
  @page { margin: 16mm; }
  body { max-width: none; padding: 0; font-size: 10pt; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  h2 { break-after: avoid; } tr, figure, .tile, .matrix { break-inside: avoid; }
}
)css";

}  // namespace blackstart::report
