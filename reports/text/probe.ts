import type { ProbeEndpoint, ProbeLatency, ProbeReport, ProbeRoute } from '../../src/schema/probe.ts';
import { formatMs, formatShare, withThousands } from '../../src/core/units.ts';
import { countText } from '../../src/core/words.ts';
import { secondsText } from '../format.ts';
import { engineText, probeVerdict, rateText } from '../probe-verdict.ts';
import { visibleLine } from '../../src/core/visible-text.ts';
import { aligned } from './table.ts';

const SGR = { met: 32, missed: 31, unsure: 33, none: 1 } as const;

const COUNTED_BY = {
  token_ids: 'token ids of a chunk',
  usage: 'usage in a chunk',
  tokenizer: 'a tokenizer',
  chunks: 'one a chunk',
} as const;

/** A probe for a terminal: the answer first, then the tables. No newline at the end. */
export function probeText(report: ProbeReport, { color }: { color: boolean }): string {
  const { tone, glyph, sentence } = probeVerdict(report);
  const paint = (text: string, code: number): string => (color ? `\u001B[${code}m${text}\u001B[0m` : text);
  return [
    paint(visibleLine(`${glyph} ${sentence}`), SGR[tone]),
    ...report.warnings.map(({ text }) => paint(visibleLine(`! ${text}`), SGR.unsure)),
    '',
    ...lines(serverRows(report), 'left'),
    '',
    ...lines(endpointRows(report), 'left'),
    '',
    ...lines(floorRows(report), 'right'),
    ...floorLines(report),
    ...(report.front_end === null
      ? []
      : ['', ...lines(frontEndRows(report.front_end), 'right'), ...frontEndNotes(report.front_end)]),
  ].join('\n');
}

function lines(rows: readonly (readonly string[])[], others: 'left' | 'right'): string[] {
  return aligned(
    rows.map((row) => row.map(visibleLine)),
    others,
  );
}

function serverRows({ server, pages }: ProbeReport): string[][] {
  const { models, models_why, model, context_tokens, adapter } = server;
  const context = context_tokens === null ? 'context not told' : `context ${withThousands(context_tokens)} tokens`;
  const listed = models_why ?? `${countText(models.length, 'model')} listed`;
  return [
    ['engine', `${engineText(server)}; adapter ${adapter}`],
    ['model', `${model}, ${context}; ${listed}`],
    ['tokenize', pages.tokenize.works ? 'POST /tokenize (--tokenizer server)' : `none (${pages.tokenize.why})`],
    [
      'cache reset',
      pages.cache_reset.route === null
        ? `none (${pages.cache_reset.why})`
        : `POST ${pages.cache_reset.route} (--reset-cache; not called here)`,
    ],
    [
      'metrics',
      pages.metrics.why === null
        ? `/metrics, ${countText(pages.metrics.known, 'metric')} of use`
        : `none at /metrics (${pages.metrics.why})`,
    ],
  ];
}

function endpointRows({ endpoints }: ProbeReport): string[][] {
  return [['endpoint', 'answers', 'prompts', 'tokens counted by', 'ignore_eos', ''], ...endpoints.map(endpointRow)];
}

function endpointRow({ endpoint, works, why, prompts, counted_by, count_fault, ignore_eos }: ProbeEndpoint): string[] {
  if (!works) return [endpoint, 'no', '-', '-', '-', why ?? ''];
  return [
    endpoint,
    'yes',
    prompts === 'ids' ? 'token ids' : 'text',
    counted_by === null ? 'none came' : COUNTED_BY[counted_by],
    ignore_eos === null ? 'not asked' : ignore_eos ? 'yes' : 'no',
    count_fault ?? '',
  ];
}

function floorRows({ floor }: ProbeReport): string[][] {
  const row = (name: string, ms: ProbeLatency | null): string[][] =>
    ms === null ? [] : [[name, withThousands(ms.n), formatMs(ms.p50), formatMs(ms.p99)]];
  return [
    ['network and clock', 'n', 'p50', 'p99'],
    ...row('TCP handshake within this client', floor.client_handshake_ms),
    ...row('TCP handshake with the server', floor.handshake_ms),
    ...row(`GET ${floor.page ?? ''} on an open connection`, floor.round_trip_ms),
    ['smallest step of the clock', '', formatMs(floor.clock_step_us / 1000), ''],
  ];
}

function floorLines({ floor }: ProbeReport): string[] {
  if (floor.resolution_ms === null) return ['no TCP handshake with the server succeeded'];
  return [`two TTFTs that differ by less than ${formatMs(floor.resolution_ms)} cannot be told apart`];
}

type FrontEnd = NonNullable<ProbeReport['front_end']>;

function frontEndRows({ routes }: FrontEnd): string[][] {
  return [
    ['front end', 'connections', 'requests/s', 'p50', 'p99', 'failed', 'client busy'],
    ...routes.flatMap(routeRows),
  ];
}

function routeRows({ route, kind, loads }: ProbeRoute): string[][] {
  const name = kind === 'completion' ? `${route}, one token` : route;
  return loads.map((load) => {
    const { connections, latency_ms, failures, client_busy } = load;
    const failed = failures.reduce((sum, { count }) => sum + count, 0);
    return [
      name,
      withThousands(connections),
      rateText(load),
      latency_ms === null ? '-' : formatMs(latency_ms.p50),
      latency_ms === null ? '-' : formatMs(latency_ms.p99),
      failed === 0 ? '-' : withThousands(failed),
      formatShare(client_busy),
    ];
  });
}

function frontEndNotes({ routes, load_s, sent_completions }: FrontEnd): string[] {
  const isBound = routes.some(({ loads }) => loads.some(({ client_bound }) => client_bound));
  const failed = routes.flatMap(({ route, loads }) =>
    loads.flatMap(({ connections, failures }) =>
      failures.map(
        ({ what, count }) => `${route} at ${withThousands(connections)}: ${withThousands(count)} times ${what}`,
      ),
    ),
  );
  return [
    ...routes.flatMap(({ route, why }) => (why === null ? [] : [`${route}: not loaded (${visibleLine(why)})`])),
    `closed loops of ${secondsText(load_s)} each; ${countText(sent_completions, 'completion')} of one token sent`,
    ...(isBound ? ['at least: the client was at its limit, or left no core idle, and the server may carry more'] : []),
    ...failed.map((text) => visibleLine(text)),
  ];
}
