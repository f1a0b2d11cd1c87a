import type { RecordBatch } from '../../core/record.ts';
import { limitsOf, partsOf, REQUEST_LATENCIES, type RequestLatency, type Slo } from '../../core/slo.ts';
import { limitsUs, type LimitsUs } from '../../metrics/judge.ts';
import { MAX_UNKNOWN_GAPS } from '../../metrics/latency.ts';
import { answerOf, startOf, type Answer } from './answer.ts';
import { Distribution, type Statistics } from './distribution.ts';
import type { Peer, PeerContext, PeerLatencies } from './peer.ts';

/** The figures of a run as another tool would have reported them. Latencies in microseconds. */
export interface PeerFigures {
  readonly requests: number;
  readonly answered: number;
  readonly ttftUs: Statistics | null;
  /** Null also where the gaps of too many answers are not known. */
  readonly itlUs: Statistics | null;
  /** Answers that are in no ITL, as their gaps are not known. */
  readonly unknownGaps: number;
  readonly tpotUs: Statistics | null;
  readonly e2eUs: Statistics | null;
  /** Null where no token shares its time with the one before. */
  readonly shared: SharedTimes | null;
  /** From the first start to the last end, or as the tool has it that measured the run. */
  readonly durationS: number;
  readonly answeredDurationS: number;
  /** Null without an SLO, and where it limits nothing that other tools judge. */
  readonly good: Good | null;
}

/** Tokens that share their time with the one before: of one chunk, or of chunks that came in one read. Records do not tell. */
interface SharedTimes {
  /** Of all tokens. */
  readonly share: number;
  /** Mean ITL by chunks, if each of these tokens was a chunk of its own. */
  readonly meanItlUs: number;
}

interface Good {
  readonly requests: number;
  /** Null where nothing took any time. */
  readonly perSecond: number | null;
  /** Of the requests that the tool states it of; null where it states none, or has none. */
  readonly share: number | null;
}

/** Computes a run's figures as `peer` does, in one pass. Records are those that count: measured, and not stopped. */
export async function peerFigures(
  peer: Peer,
  records: AsyncIterable<RecordBatch>,
  wholeSlo: Slo | null,
  context: PeerContext,
): Promise<PeerFigures> {
  const slo = wholeSlo !== null && limitsWhatIsJudged(wholeSlo) ? wholeSlo : null;
  const [ttft, itl, tpot, e2e] = [new Distribution(), new Distribution(), new Distribution(), new Distribution()];
  const [all, ofAnswered] = [new Extent(), new Extent()];
  const good = { met: 0, judged: 0 };
  const ofTokens = { all: 0, shared: 0, gaps: 0, spanUs: 0 };
  let [requests, answered, unknownGaps] = [0, 0, 0];
  for await (const batch of records)
    for (const record of batch) {
      requests++;
      const startUs = startOf(record);
      all.add(startUs, record.end_us ?? startUs);
      const answer = answerOf(record);
      const limits = slo === null ? null : limitsOf(slo, record.slo_class);
      if (answer === null) {
        if (limits !== null && peer.goodput.shareOf === 'all') good.judged++;
        continue;
      }
      answered++;
      ofAnswered.add(startUs, startUs + answer.endUs);
      const latencies = peer.latencies(answer);
      push(ttft, latencies.ttftUs);
      push(tpot, latencies.tpotUs, peer.tpotWeight?.(answer));
      push(e2e, latencies.e2eUs);
      if (peer.itlOf === 'gaps' && !answer.hasGaps) unknownGaps++;
      else peer.itls(answer, context, (us, weight) => itl.push(us, weight));
      ofTokens.all += answer.tokens;
      ofTokens.shared += answer.tokens - answer.chunks.timesUs.length;
      ofTokens.gaps += answer.tokens - (peer.chunks === 'of the role too' && context.isChat ? 0 : 1);
      ofTokens.spanUs += answer.lastUs - answer.firstUs;
      if (limits === null) continue;
      const verdict = isGood(peer, answer, latencies, limitsUs(limits));
      if (verdict !== null) good.judged++;
      if (verdict === true) good.met++;
    }
  const of = (distribution: Distribution): Statistics | null => distribution.statistics(peer.percentiles);
  const [allS, answeredS] = [context.durationS ?? all.lengthS, context.durationS ?? ofAnswered.lengthS];
  const durationS = peer.goodput.duration === 'all' ? allS : answeredS;
  return {
    requests,
    answered,
    ttftUs: of(ttft),
    itlUs: unknownGaps > answered * MAX_UNKNOWN_GAPS ? null : of(itl),
    unknownGaps,
    tpotUs: of(tpot),
    e2eUs: of(e2e),
    shared:
      ofTokens.shared === 0
        ? null
        : { share: ofTokens.shared / ofTokens.all, meanItlUs: ofTokens.spanUs / ofTokens.gaps },
    durationS: allS,
    answeredDurationS: answeredS,
    good:
      slo === null
        ? null
        : {
            requests: good.met,
            perSecond: durationS > 0 ? good.met / durationS : null,
            share: peer.goodput.shareOf === null || good.judged === 0 ? null : good.met / good.judged,
          },
  };
}

/** Other tools judge one latency of a request; none of them judges the gaps within an answer. */
function limitsWhatIsJudged(slo: Slo): boolean {
  return partsOf(slo).some(([, limits]) => REQUEST_LATENCIES.some((metric) => limits[metric] !== undefined));
}

function push(distribution: Distribution, us: number | null, weight?: number): void {
  if (us !== null) distribution.push(us, weight);
}

/** Whether an answered request is good; null where the tool leaves it out. */
function isGood(peer: Peer, answer: Answer, latencies: PeerLatencies, limits: LimitsUs): boolean | null {
  const { missing } = peer.goodput;
  const judged: Readonly<Record<RequestLatency, number | null>> = {
    ttft: latencies.ttftUs,
    tpot: peer.judgedTpotUs === undefined ? latencies.tpotUs : peer.judgedTpotUs(answer),
    e2e: latencies.e2eUs,
  };
  const asked = REQUEST_LATENCIES.map((metric) => [judged[metric], limits[metric]] as const).filter(
    ([, limitUs]) => limitUs !== Infinity,
  );
  if (missing === 'left out' && asked.some(([us]) => us === null)) return null;
  return asked.every(([us, limitUs]) => (us === null ? missing === 'met' : us <= limitUs));
}

class Extent {
  #fromUs = Infinity;
  #toUs = -Infinity;

  add(fromUs: number, toUs: number): void {
    this.#fromUs = Math.min(this.#fromUs, fromUs);
    this.#toUs = Math.max(this.#toUs, toUs);
  }

  get lengthS(): number {
    return this.#toUs > this.#fromUs ? (this.#toUs - this.#fromUs) / 1e6 : 0;
  }
}
