import { failedByOutcome, judgedRequests, stoppedByOutcome } from '../../src/metrics/stopped.ts';
import type { Manifest } from '../../src/schema/manifest.ts';
import { LATENCY_METRICS } from '../../src/schema/latency.ts';
import type { Summary } from '../../src/schema/summary.ts';
import { formatMs, formatShare, threeFigures, withThousands } from '../../src/core/units.ts';
import { quantileText, serverLoadText, serverNotes } from '../server-text.ts';
import { classRows, limitShares } from '../slo-shares.ts';
import { sessionsText } from '../session-words.ts';
import { sloScaleText } from '../slo-scale-text.ts';
import { verdictOf, type Verdict } from '../verdict.ts';
import { METRIC_NAMES } from '../definitions.ts';
import {
  deviationText,
  promptsText,
  failureTexts,
  itlWithinText,
  latencyText,
  loadText,
  measuredText,
  outcomeText,
  rateText,
  reuseText,
  secondsText,
  sloText,
  hasPrefixReuse,
} from '../format.ts';
import { visibleLine } from '../../src/core/visible-text.ts';
import { aligned } from './table.ts';

const SGR = { met: 32, missed: 31, unsure: 33, none: 1 } as const;

/** The summary for a terminal: the verdict first, then tables. No line ends in a blank; no newline at the end. */
export function summaryText(summary: Summary, manifest: Manifest, { color }: { color: boolean }): string {
  const paint = (text: string, code: number): string => (color ? `\u001B[${code}m${text}\u001B[0m` : text);
  return [
    ...verdictLines(verdictOf(summary, manifest), paint),
    visibleLine(`${manifest.workload.name} -> ${manifest.target.spec}: ${loadText(manifest.workload)}`),
    '',
    ...countLines(summary),
    '',
    ...latencyLines(summary, manifest),
    '',
    ...aligned(
      [
        ...sloRows(manifest),
        ...attainmentRows(summary),
        ...sloScaleRows(summary),
        ...sessionRows(summary),
        ...throughputRows(summary),
        ...qualityRows(summary),
        ...serverRows(summary),
      ],
      'left',
    ),
  ].join('\n');
}

function verdictLines(
  { tone, glyph, sentence, warnings, assurance, why, delivered, excluded }: Verdict,
  paint: (text: string, code: number) => string,
): string[] {
  return [
    ...warnings.map((warning) => paint(visibleLine(`! ${warning}`), SGR.missed)),
    paint(`${glyph} ${sentence}`, SGR[tone]),
    ...(why === null ? [] : [visibleLine(`Why: ${why}`)]),
    ...(assurance === null ? [] : [paint(`✓ ${assurance}`, SGR.met)]),
    delivered,
    ...(excluded === null ? [] : [excluded]),
  ];
}

function countLines({ requests }: Summary): string[] {
  const counts = (['scheduled', 'sent', 'ok', 'failed'] as const).map(
    (name) => `${withThousands(requests[name])} ${name}`,
  );
  const failed = Object.entries(failedByOutcome(requests)).map(
    ([outcome, count]) => `${withThousands(count)} ${outcomeText(outcome)}`,
  );
  const { unsent, cut } = stoppedByOutcome(requests);
  const left = [
    ...(unsent === 0 ? [] : [`${withThousands(unsent)} not due yet`]),
    ...(cut === 0 ? [] : [`${withThousands(cut)} cut off in flight`]),
  ];
  return [
    `requests: ${counts.join(', ')}`,
    ...(left.length === 0 ? [] : [`stopped: ${left.join(', ')}`]),
    ...(failed.length === 0 ? [] : [`failed: ${failed.join(', ')}`]),
    ...failureTexts(requests).map((text) => visibleLine(`  ${text}`)),
  ];
}

/** Failures count in the percentiles. They have no mean and no maximum: those are of answered requests, and say so. */
function latencyLines(summary: Summary, manifest: Manifest): string[] {
  const { latency_ms, latency_ok_ms } = summary;
  const within = itlWithinText(summary, manifest);
  const rows = LATENCY_METRICS.map((metric) => {
    const stats = latency_ms[metric];
    const { p50, p90, p99, n, missing } = stats;
    const { mean, max } = latency_ok_ms[metric];
    return [
      METRIC_NAMES[metric],
      ...[p50, p90, p99].map((value) => latencyText(stats, value)),
      withThousands(n),
      withThousands(missing),
      ...[mean, max].map((value) => (value === null ? '-' : formatMs(value))),
    ];
  });
  const ofOk = LATENCY_METRICS.every((metric) => latency_ms[metric].missing === 0) ? '' : ' of ok';
  return [
    ...aligned([['latency', 'p50', 'p90', 'p99', 'n', 'failed', `mean${ofOk}`, `max${ofOk}`], ...rows], 'right'),
    ...(within === null ? [] : [`ITL percentiles are known ${within} (lateness p99)`]),
  ];
}

/** Source of the limits in the verdict, unless it is the run's command line. */
function sloRows({ slo }: Manifest): string[][] {
  const isPlain = slo === null || (slo.profile === undefined && slo.in_place_of === undefined);
  return isPlain ? [] : [['SLO', visibleLine(sloText(slo))]];
}

function attainmentRows({ slo, requests }: Summary): string[][] {
  if (slo === null || judgedRequests(requests) === 0) return [];
  const alone = limitShares(slo).map(
    ({ limit, share, binds }) => `${limit} ${formatShare(share)}${binds ? ' (binds)' : ''}`,
  );
  return [
    ['attainment', [`joint ${formatShare(slo.attainment.joint)}`, ...alone].join(', ')],
    ...classRows(slo).map(([name = '', , of = '', met = '', interval = '', each = '']) => [
      `class ${name}`,
      `${met} of ${of} requests${interval === '-' ? '' : ` (${interval})`}: ${each}`,
    ]),
  ];
}

function sessionRows(summary: Summary): string[][] {
  const text = sessionsText(summary);
  return text === null ? [] : [['sessions', text]];
}

function sloScaleRows(summary: Summary): string[][] {
  const text = sloScaleText(summary);
  return text === null ? [] : [['SLO scale', text]];
}

function throughputRows({ throughput }: Summary): string[][] {
  const { good_requests_per_s, requests_per_s, input_tokens_per_s, output_tokens_per_s } = throughput;
  const good = good_requests_per_s === null ? '' : `, ${rateText(good_requests_per_s, 'good requests')}`;
  return [
    [
      'throughput',
      `${rateText(requests_per_s, 'requests')}${good}, in ${input_tokens_per_s === null ? 'not counted' : rateText(input_tokens_per_s, 'tokens')}, out ${rateText(output_tokens_per_s, 'tokens')}`,
    ],
  ];
}

function qualityRows({ validity, workload, delivered }: Summary): string[][] {
  const { lateness_ms, event_loop_delay_ms, client_cpu_us_per_token } = validity;
  const parts = [
    ...(lateness_ms === null ? [] : [`lateness p99 ${formatMs(lateness_ms.p99)}`]),
    ...(event_loop_delay_ms === null ? [] : [`event-loop delay p99 ${formatMs(event_loop_delay_ms.p99)}`]),
    ...(client_cpu_us_per_token === null ? [] : [`CPU ${threeFigures(client_cpu_us_per_token)} us/token`]),
  ];
  return [
    ['duration', secondsText(delivered.duration_s)],
    ...(workload.prompts === null
      ? []
      : [
          [
            'prompts',
            `${promptsText(workload.prompts)}; input tokens ${deviationText(delivered.input_deviation_tokens)}`,
          ],
        ]),
    ...(hasPrefixReuse({ workload, delivered }) ? [['prefix cache', prefixText(workload, delivered)]] : []),
    ...(parts.length === 0 ? [] : [['client', parts.join(', ')]]),
  ];
}

/** The server's own load and latencies from its /metrics, beside the client's. */
function serverRows(summary: Summary): string[][] {
  const { server, service_latency_ms } = summary;
  if (server === null) return [];
  const latencies = (['ttft', 'itl'] as const).flatMap((metric) => {
    const theirs = server.latency_ms[metric];
    if (theirs === null) return [];
    const ours = service_latency_ms[metric];
    return [
      [
        `server ${METRIC_NAMES[metric]}`,
        `mean ${formatMs(theirs.mean)} (ours from sending ${measuredText(ours, ours.mean)}), p50 ${quantileText(theirs.p50)}, p99 ${quantileText(theirs.p99)}`,
      ],
    ];
  });
  const load = serverLoadText(server);
  return [
    ...(load.length === 0 ? [] : [['server', load.join(', ')]]),
    ...latencies,
    ...serverNotes(summary).map((note) => ['', note]),
  ];
}

/** What the trace allows is of all requests, those that are not measured too. */
function prefixText(
  asked: Summary['workload'],
  { prefix_reuse, cached_tokens: all, got }: Summary['delivered'],
): string {
  const ofAll =
    all === null || all.requests <= got.requests
      ? ''
      : `; with those not measured ${reuseText(all.cached / all.input)}`;
  const most = asked.prefix_reuse === null ? '' : `${ofAll}, the trace allows ${reuseText(asked.prefix_reuse)}`;
  return `${reuseText(prefix_reuse)}${prefix_reuse === null ? '' : ' of input tokens'}${most}`;
}
