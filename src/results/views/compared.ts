import type { RequestRecord } from '../../core/record.ts';
import { latencyOf, partsOf, SLO_METRICS, type Slo } from '../../core/slo.ts';
import { formatMs, formatShare, withThousands } from '../../core/units.ts';
import { countText, listText } from '../../core/words.ts';
import { AttainmentCollector } from '../../metrics/attainment.ts';
import { supports, type Support } from '../../metrics/attainment-interval.ts';
import { wilson } from '../../metrics/wilson.ts';
import type { LatencyMetric, LatencyStats } from '../../schema/latency.ts';
import { contextOf, type CountedRun } from '../counted-run.ts';
import type { Statistics } from '../peers/distribution.ts';
import { queriesNeeded } from '../peers/early-stopping.ts';
import type { Peer, PeerContext } from '../peers/peer.ts';
import { peerFigures, type PeerFigures } from '../peers/peer-figures.ts';
import { PEERS, type PeerName } from '../peers/peers.ts';

/** One run by the definitions of other tools, beside ours. Null: not defined there, or no value. */
export interface Compared {
  readonly run_id: string;
  readonly columns: readonly ComparedColumn[];
  /** Empty without an SLO, and where neither MLPerf nor GuideLLM is asked for. */
  readonly verdicts: readonly Verdicts[];
}

export interface ComparedColumn {
  readonly key: string;
  readonly name: string;
  readonly requests: number;
  readonly answered: number;
  readonly latency_ms: Readonly<Record<LatencyMetric, ComparedLatency>>;
  readonly good_requests_per_s: number | null;
  readonly good_share: number | null;
  readonly notes: readonly string[];
}

interface ComparedLatency {
  readonly mean: number | null;
  readonly p50: number | null;
  readonly p90: number | null;
  readonly p99: number | null;
  /** Values that the figures are of. */
  readonly n: number;
}

/** What three rules say of the share of requests within limits, at a share that is wanted. */
export interface Verdicts {
  /** What has to stay within its limit: the whole SLO, or one latency. */
  readonly of: 'slo' | 'ttft' | 'tpot';
  readonly wanted: number;
  readonly requests: number;
  readonly within: number;
  /** Unsure too where the measurement is not valid. */
  readonly ours: { readonly ci95: readonly [number, number] | null; readonly verdict: Support };
  /** Null where it is not asked for, or is no rule for this. */
  readonly guidellm: { readonly ci95: readonly [number, number]; readonly verdict: Support } | null;
  readonly mlperf: { readonly passes: boolean; readonly queries_needed: number } | null;
}

export async function comparedTo(run: CountedRun, names: readonly PeerName[]): Promise<Compared> {
  const { slo } = run.manifest;
  const context = contextOf(run.manifest);
  const columns: ComparedColumn[] = [ours(run)];
  // A pass for each: gaps between tokens are kept for one tool at a time.
  for (const name of names)
    for (const peer of peersOf(name)) {
      const figures = await peerFigures(peer, run.records(), slo?.limits_ms ?? null, context);
      columns.push(columnOf(peer, figures, notesOf(peer, figures, context, slo?.limits_ms ?? {})));
    }
  return {
    run_id: run.manifest.run_id,
    columns,
    verdicts: slo === null ? [] : await verdictsOf(run, slo, names),
  };
}

function peersOf(name: PeerName): readonly Peer[] {
  return PEERS[name];
}

function notesOf(
  peer: Peer,
  { shared, unknownGaps, answered, good }: PeerFigures,
  context: PeerContext,
  slo: Slo,
): readonly string[] {
  const parts = partsOf(slo).map(([, limits]) => limits);
  const passedOver = SLO_METRICS.filter(
    (metric) => latencyOf(metric) === 'itl' && parts.some((limits) => limits[metric] !== undefined),
  );
  const unjudged =
    passedOver.length === 0
      ? []
      : [
          good === null
            ? `no good requests: it judges no ${listText(passedOver)}`
            : `good: without the ${passedOver.length === 1 ? 'limit' : 'limits'} on ${listText(passedOver)}, which it does not judge`,
        ];
  const unknown =
    unknownGaps === 0
      ? []
      : [
          `of ${withThousands(unknownGaps)} of ${countText(answered, 'answer')} it is not known when tokens came between the first and the last: they are in no ITL, and if they are more than 1 % there is none`,
        ];
  const notes = [...peer.notes(context), ...unjudged, ...unknown];
  if (shared === null || peer.chunks === null || context.isVirtual || unknownGaps > 0) return notes;
  return [
    ...notes,
    `${formatShare(shared.share)} of tokens have the time of the one before, of one chunk or of several in one read, which our records do not tell: here they are one chunk, and if each was its own the mean ITL is ${formatMs(shared.meanItlUs / 1000)}`,
  ];
}

function ours({ summary }: CountedRun): ComparedColumn {
  const { latency_ms, requests, throughput, slo, validity } = summary;
  const of = ({ mean, p50, p90, p99, n }: LatencyStats): ComparedLatency => ({ mean, p50, p90, p99, n });
  return {
    key: 'reprise',
    name: 'Reprise',
    requests: requests.scheduled - requests.stopped,
    answered: requests.ok,
    latency_ms: {
      ttft: of(latency_ms.ttft),
      itl: of(latency_ms.itl),
      tpot: of(latency_ms.tpot),
      e2e: of(latency_ms.e2e),
    },
    good_requests_per_s: throughput.good_requests_per_s,
    good_share: slo?.attainment.joint ?? null,
    notes: [
      'TTFT and E2E count from the due time; percentiles are of all requests, by nearest rank, a failed one infinitely late; good: of all requests, a single token meets TPOT',
      ...(validity.valid ? [] : [`no verdict: ${validity.reasons.join('; ')}`]),
    ],
  };
}

function columnOf(peer: Peer, figures: PeerFigures, notes: readonly string[]): ComparedColumn {
  return {
    key: peer.key,
    name: peer.name,
    requests: figures.requests,
    answered: figures.answered,
    latency_ms: {
      ttft: inMs(figures.ttftUs),
      itl: inMs(figures.itlUs),
      tpot: inMs(figures.tpotUs),
      e2e: inMs(figures.e2eUs),
    },
    good_requests_per_s: figures.good?.perSecond ?? null,
    good_share: figures.good?.share ?? null,
    notes,
  };
}

function inMs(us: Statistics | null): ComparedLatency {
  if (us === null) return { mean: null, p50: null, p90: null, p99: null, n: 0 };
  return { mean: us.mean / 1000, p50: us.at(500) / 1000, p90: us.at(900) / 1000, p99: us.at(990) / 1000, n: us.n };
}

/** The percentiles for which MLPerf has rules. */
const MLPERF_SHARES = [0.9, 0.95, 0.97, 0.99, 0.999];

interface Judged {
  readonly of: Verdicts['of'];
  readonly limits: Slo;
  readonly shares: readonly number[];
}

async function verdictsOf(
  run: CountedRun,
  { limits_ms: { ttft, tpot, ...rest }, at }: NonNullable<CountedRun['manifest']['slo']>,
  names: readonly PeerName[],
): Promise<Verdicts[]> {
  const [byWilson, byMlperf] = [names.includes('guidellm'), names.includes('mlperf')];
  if (!byWilson && !byMlperf) return [];
  const alone = { ...(ttft === undefined ? {} : { ttft }), ...(tpot === undefined ? {} : { tpot }) };
  const judged: readonly Judged[] = [
    { of: 'slo', limits: { ...alone, ...rest }, shares: [at] },
    ...(byMlperf && ttft !== undefined ? [{ of: 'ttft', limits: { ttft }, shares: MLPERF_SHARES } as const] : []),
    ...(byMlperf && tpot !== undefined ? [{ of: 'tpot', limits: { tpot }, shares: MLPERF_SHARES } as const] : []),
  ];
  const collectors = judged.map((each) => ({ ...each, attainment: new AttainmentCollector(each.limits) }));
  for await (const batch of run.records())
    for (const record of batch)
      for (const each of collectors) {
        if (each.of === 'tpot' && hasNoTpot(record)) continue;
        each.attainment.add(record);
      }
  return collectors.flatMap(({ of, shares, attainment }) => {
    const requests = attainment.judged;
    if (requests === 0) return [];
    const { joint, ci95, overloaded } = attainment.result().attainment;
    const byOurs = (wanted: number): Verdicts['ours'] => ({
      ci95,
      verdict: run.summary.validity.valid ? supports({ ci95, overloaded, joint }, wanted) : 'unsure',
    });
    return shares.map((wanted) => ({
      of,
      wanted,
      requests,
      within: attainment.good,
      ours: byOurs(wanted),
      guidellm: byWilson && of === 'slo' ? wilsonOf(joint, requests, wanted) : null,
      mlperf: byMlperf && of !== 'slo' ? mlperfOf(requests, attainment.good, wanted) : null,
    }));
  });
}

/** An answer of one token has no TPOT that could be too long. */
function hasNoTpot({ outcome, token_times_us }: RequestRecord): boolean {
  return outcome === 'ok' && token_times_us.length === 1;
}

function wilsonOf(share: number, requests: number, wanted: number): Verdicts['guidellm'] {
  const ci95 = wilson(share, requests, 1.96);
  return { ci95, verdict: ci95[0] >= wanted ? 'met' : ci95[1] < wanted ? 'missed' : 'unsure' };
}

function mlperfOf(requests: number, within: number, wanted: number): Verdicts['mlperf'] {
  const needed = queriesNeeded(requests - within, wanted);
  return { passes: requests >= needed, queries_needed: needed };
}
