import type { Manifest } from '../../src/schema/manifest.ts';
import type { LatencyStats } from '../../src/schema/latency.ts';
import type { ServerLatency } from '../../src/schema/server-latency.ts';
import type { Summary } from '../../src/schema/summary.ts';
import { formatMs, withThousands } from '../../src/core/units.ts';
import { quantileText, serverLoadText, serverNotes } from '../server-text.ts';
import { DEFINITIONS } from '../definitions.ts';
import { listText } from '../../src/core/words.ts';
import { latencyText, measuredText, secondsText, timeTexts } from '../format.ts';
import { html, type Markup, section, type Section } from './markup.ts';

/** The server's own load and latencies from its /metrics, beside the client's; in virtual time the engine's load. */
export function serverSection(summary: Summary, clock: Manifest['clock']): Section | null {
  const { server, service_latency_ms } = summary;
  if (server === null) return null;
  const { ttft, itl, queue } = server.latency_ms;
  const rows = [
    ...theirsAndOurs('TTFT', ttft, service_latency_ms.ttft),
    ...theirsAndOurs('ITL', itl, service_latency_ms.itl),
    ...theirsAndOurs('queue', queue, null),
  ];
  const load = serverLoadText(server);
  const who = clock === 'virtual' ? 'engine' : 'server';
  const of = clock === 'virtual' ? 'samples of it in virtual time' : 'scrapes of its metrics';
  return section(
    { id: 'server', heading: `What the ${who} says`, name: clock === 'virtual' ? 'Engine' : 'Server' },
    html`<p class="lead">
        ${load.length === 0 ? 'It tells nothing of its load' : `Mean over ${withThousands(server.scrapes)} ${of}: ${listText(load)}`}.
      </p>
      ${serverNotes(summary).map((note) => html`<p class="lead">${note}</p>`)}
      ${rows.length === 0 ? null : latencies(server, rows)}`,
  );
}

function latencies(server: NonNullable<Summary['server']>, rows: readonly Markup[]): Markup {
  const { counted_from_s: fromS, counted_to_s: toS } = server;
  const span = fromS <= 0 ? `in the first ${secondsText(toS)}` : `from ${timeTexts([fromS, toS]).join(' to ')}`;
  const caption = `Its own latencies ${span}, beside ours from sending`;
  return html`<div class="wide" tabindex="0" role="region" aria-label="${caption}">
    <table>
      <caption>
        <abbr title="${DEFINITIONS.server}">${caption}</abbr>
      </caption>
      <thead>
        <tr>
          <td></td>
          <td></td>
          ${['mean', 'p50', 'p90', 'p99', 'n'].map((name) => html`<th scope="col">${name}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${rows}
      </tbody>
    </table>
  </div>`;
}

function theirsAndOurs(name: string, theirs: ServerLatency | null, ours: LatencyStats | null): Markup[] {
  if (theirs === null) return [];
  const row = (whose: string, cells: readonly string[]): Markup =>
    html`<tr>
      <td>${name}</td>
      <td class="left">${whose}</td>
      ${cells.map((cell) => html`<td>${cell}</td>`)}
    </tr>`;
  const quantiles = [theirs.p50, theirs.p90, theirs.p99].map(quantileText);
  return [
    row('server', [formatMs(theirs.mean), ...quantiles, withThousands(theirs.n)]),
    ...(ours === null
      ? []
      : [
          row('client', [
            measuredText(ours, ours.mean),
            ...[ours.p50, ours.p90, ours.p99].map((value) => latencyText(ours, value)),
            withThousands(ours.n),
          ]),
        ]),
  ];
}
