import { formatMs, formatShare, threeFigures, withThousands } from '../core/units.ts';
import { countText } from '../core/words.ts';
import type { ProbeEndpoint, ProbeReport, ProbeRoute, ProbeWarning, ProbeWorkload } from '../schema/probe.ts';

/** A server in the same room is nearer than this. */
const NEAR_MS = 1;
/** From this share of failed requests on. */
const TELLING_SHARE = 0.01;

/** What a run against the server should know, the worst first. */
export function probeWarnings(report: Omit<ProbeReport, 'warnings'>): ProbeWarning[] {
  const { workload } = report;
  return [
    ...ofServer(report).map((text) => ({ of: 'server', text }) as const),
    ...(workload === null ? [] : ofWorkload(workload, report).map((text) => ({ of: 'workload', text }) as const)),
  ];
}

function ofServer({ server, endpoints, floor, front_end }: Omit<ProbeReport, 'warnings'>): string[] {
  const first = endpoints.find(({ works }) => works);
  const handshakes = (floor.handshake_ms?.n ?? 0) + floor.handshake_failures;
  return [
    ...(first === undefined
      ? [
          `no endpoint of adapter ${server.adapter} answers: ${endpoints.map(({ endpoint, why }) => `${endpoint}: ${why}`).join('; ')}`,
        ]
      : []),
    ...(first === undefined ? [] : ofCounting(first)),
    ...(first?.ignore_eos === false
      ? ['the server does not know ignore_eos: outputs end where the model ends them, not at their planned length']
      : []),
    ...(floor.handshake_failures > 0
      ? [
          `${withThousands(floor.handshake_failures)} of ${countText(handshakes, 'TCP handshake')} with the server failed`,
        ]
      : []),
    ...(floor.handshake_ms !== null && floor.handshake_ms.p50 >= NEAR_MS
      ? [
          `the way to the server and back takes ${formatMs(floor.handshake_ms.p50)} (median of TCP handshakes, p99 ${formatMs(floor.handshake_ms.p99)}), which is in every TTFT`,
        ]
      : []),
    ...(front_end?.routes ?? []).flatMap(failuresOf),
  ];
}

function ofCounting({ endpoint, counted_by, count_fault }: ProbeEndpoint): string[] {
  if (counted_by === null) return [`the answer of ${endpoint} held no text in a known field, and no token id`];
  if (counted_by !== 'chunks') return [];
  const fault = count_fault === null ? '' : ` (${count_fault})`;
  return [`tokens of ${endpoint} are counted as one a chunk${fault}: ITL is that of chunks`];
}

/** The first number of connections at which requests of a route failed. */
function failuresOf({ route, loads }: ProbeRoute): string[] {
  for (const { connections, answers, failures } of loads) {
    const failed = failures.reduce((sum, { count }) => sum + count, 0);
    if (failed === 0 || failed < TELLING_SHARE * (failed + answers)) continue;
    const [{ what }] = [failures[0] ?? { what: '' }];
    return [
      `${route} fails from ${countText(connections, 'connection')} on: ${formatShare(failed / (failed + answers))} of requests there, mostly ${what}`,
    ];
  }
  return [];
}

function ofWorkload(workload: ProbeWorkload, { server }: Omit<ProbeReport, 'warnings'>): string[] {
  const { name, busiest_second, carried_rps, fits, longest_tokens, fits_context } = workload;
  const busiest = `the busiest second of ${name} has ${countText(busiest_second.requests, 'request')}`;
  const carried = carried_rps === null ? '' : `${threeFigures(carried_rps)} one-token completions a second`;
  const texts = {
    fits: [],
    nearly: [`${busiest}, and the front end carries ${carried}: requests wait for one another in it`],
    does_not_fit: [
      `${busiest}, and the front end carries ${carried}: requests queue in it, whatever the engine could do; scale the trace down (--rate), or start more front ends`,
    ],
    unknown:
      carried_rps === null
        ? []
        : [
            `${busiest}, and this client could load the front end with no more than ${carried}: whether it fits is not known`,
          ],
  }[fits];
  return fits_context === false
    ? [
        ...texts,
        `the longest request of ${name} has ${withThousands(longest_tokens)} tokens, and the context of ${server.model} is ${withThousands(server.context_tokens ?? 0)}: a run refuses it; cut with --clip-input or --clip-output`,
      ]
    : texts;
}
