import type { LoadAxis } from '../schema/certificate.ts';

/** A request of a trial. */
interface TrialRow {
  readonly dueUs: number;
  readonly tokens: number;
}

/** The requests of a trial at a load, and the part of it that is measured. */
export interface TrialLoad {
  /** In order of due times. */
  readonly rows: readonly TrialRow[];
  /** Between two tokens of a stream. */
  readonly periodMs: number;
  /** Measured from here, when all streams flow, up to the end of the trial, in microseconds of the run. */
  readonly fromUs: number;
  readonly toUs: number;
}

/** A stream at 50 tokens/s, as users see it; slow ones, so that their number alone costs something. */
const STREAM_PERIOD_MS = 20;
const IDLE_PERIOD_MS = 1000;
/** Of a request without a stream of its own: what lateness is sampled by, or the load itself. */
const SHORT_TOKENS = 2;
/** Beside streams, so that lateness is known at each load. */
const SHORT_RPS = 100;
/** Streams begin one after another, at no more than so many a second. */
const STARTS_PER_S = 2000;
const LEAST_RAMP_S = 0.3;
/** From the last stream's start to the measured part. */
const SETTLE_S = 0.3;

/** The requests of a trial that offers so much along an axis, measured for `windowS` once all of it is there. */
export function trialLoad(axis: LoadAxis, offered: number, windowS: number): TrialLoad {
  const periodMs = axis === 'streams' ? IDLE_PERIOD_MS : STREAM_PERIOD_MS;
  const streams =
    axis === 'streams'
      ? Math.round(offered)
      : axis === 'tokens_per_s'
        ? Math.round((offered - SHORT_RPS * SHORT_TOKENS) / (1000 / STREAM_PERIOD_MS))
        : 0;
  const rampS = Math.max(LEAST_RAMP_S, streams / STARTS_PER_S);
  const fromS = rampS + SETTLE_S;
  const toS = fromS + windowS;
  const shortRps = axis === 'requests_per_s' ? offered : SHORT_RPS;
  const long = Array.from({ length: streams }, (_, i) => {
    const dueS = (i / streams) * rampS;
    // The last comes after the end.
    return { dueUs: Math.round(dueS * 1e6), tokens: Math.ceil(((toS - dueS) * 1000) / periodMs) + 1 };
  });
  // The short ones end within the trial, but for the last few.
  const short = Array.from({ length: Math.round(toS * shortRps) }, (_, i) => ({
    dueUs: Math.round((i / shortRps) * 1e6),
    // They are not to be among the streams.
    tokens: axis === 'streams' ? 1 : SHORT_TOKENS,
  }));
  return {
    rows: [...long, ...short].toSorted((a, b) => a.dueUs - b.dueUs),
    periodMs,
    fromUs: fromS * 1e6,
    toUs: toS * 1e6,
  };
}

/** The same as a trace file. */
export function traceText({ rows }: TrialLoad): string {
  const lines = rows.map(({ dueUs, tokens }) => `${(dueUs / 1e6).toFixed(6)},16,${tokens}`);
  return `arrival_s,input_tokens,output_tokens\n${lines.join('\n')}\n`;
}
