import { UserError } from '../../src/core/errors.ts';
import type { Source } from '../../src/core/plan.ts';
import { randomStream, uniform } from '../../src/core/random.ts';
import type { Request } from '../../src/core/request.ts';
import { applyTransforms } from '../transforms/index.ts';
import { beginningsOf, freshBlocks } from '../transforms/fresh-blocks.ts';
import { fitRate, type FittedRate } from './cox.ts';
import { exponentialGaps } from './gaps.ts';
import { until } from './until.ts';
import { arrivalTimes, stepTime, type Step } from './time-change.ts';
import { rowId } from '../row-id.ts';

/** A request is like one of those so near to its time, in rows: lengths change over hours, as rates do. */
const NEAR_ROWS = 32;
const FEWEST_REQUESTS = 20;

/** A trace, in order of time, and what was fitted to it. */
export interface Fit {
  /** What the fit is of and is compared with: times from 0, those that share one spread. */
  readonly requests: readonly Request[];
  readonly durationS: number;
  readonly rate: FittedRate;
  readonly blockTokens: number | undefined;
  readonly notes: readonly string[];
}

/** Reads a trace to its end, holds it, and fits a Cox process to its arrivals. Throws a UserError for one too short. */
export async function fitTrace(source: Source): Promise<Fit> {
  if (source.starts === 'none')
    throw new UserError(`--fit: ${source.name} has no times of arrival, to which nothing can be fitted`);
  const notes: string[] = [];
  let read = await requestsInOrder(source);
  if (new Set(read.map(({ dueUs }) => dueUs)).size <= read.length / 2) {
    const { source: spread } = await applyTransforms(sourceOf(source, read), [
      { op: 'declump', args: { by: 'uniform', seed: 0 } },
    ]);
    read = await requestsInOrder(spread);
    notes.push('its rounded times were spread first, as by --declump uniform; it is compared so');
  }
  const firstUs = read[0]?.dueUs ?? 0;
  const durationS = ((read.at(-1)?.dueUs ?? 0) - firstUs) / 1e6;
  if (read.length < FEWEST_REQUESTS || durationS === 0)
    throw new UserError(
      `--fit: ${source.name} has ${read.length} requests in ${durationS} s; a fit needs ${FEWEST_REQUESTS}, and some time between them`,
    );
  const requests = read.map((request) => ({ ...request, dueUs: request.dueUs - firstUs }));
  const rate = fitRate(Float64Array.from(requests, ({ dueUs }) => dueUs));
  if (requests.some(({ session, parent }) => (session ?? parent) !== undefined))
    notes.push('its sessions are not kept: their turns are requests of their own, with the prefixes that they shared');
  return { requests, durationS, rate, blockTokens: source.blockTokens, notes };
}

/**
 * Requests like those of the trace, from 0 on without an end, the trace again and again: Poisson arrivals of the fitted rate, each
 * with the lengths, class, model and user of a row near its time, both lengths of one row. Prefix blocks are as reusable
 * as those of the trace.
 */
export function* fittedRequests(fit: Fit, seed: number): Generator<Request> {
  const { requests: rows, rate, durationS: periodS } = fit;
  const random = randomStream(seed, 'synth', 'rows');
  const beginnings = beginningsOf(rows.map(({ blocks }) => blocks ?? []));
  const blocksOf = beginnings === null ? null : freshBlocks(beginnings);
  const timeAt = stepTime(again(rate.steps));
  let [seq, near, period] = [0, 0, 0];
  for (const atS of arrivalTimes(timeAt, exponentialGaps(randomStream(seed, 'synth', 'gaps')))) {
    for (; atS >= (period + 1) * periodS; near = 0) period++;
    while ((rows[near + 1]?.dueUs ?? Number.POSITIVE_INFINITY) <= (atS - period * periodS) * 1e6) near++;
    const from = Math.max(0, near - NEAR_ROWS);
    const to = Math.min(rows.length, near + NEAR_ROWS + 1);
    const row = from + Math.floor(uniform(random) * (to - from));
    const blocks = blocksOf?.(row);
    yield {
      ...keptOf(rows[row]),
      id: rowId(seq),
      traceRow: ++seq + 1,
      dueUs: Math.round(atS * 1e6),
      ...(blocks && { blocks }),
    };
  }
}

/** What a request has of its row: nothing of its text, whatever was logged. */
function keptOf(
  row: Request | undefined,
): Pick<Request, 'inputTokens' | 'outputTokens' | 'sloClass' | 'model' | 'user'> {
  if (row === undefined) throw new Error('a row near to a time is missing');
  const { inputTokens, outputTokens, sloClass, model, user } = row;
  return {
    inputTokens,
    outputTokens,
    ...(sloClass === undefined ? {} : { sloClass }),
    ...(model === undefined ? {} : { model }),
    ...(user === undefined ? {} : { user }),
  };
}

function* again(steps: readonly Step[]): Generator<Step> {
  for (;;) yield* steps;
}

async function requestsInOrder(source: Source): Promise<Request[]> {
  const all: Request[] = [];
  for await (const batch of source.open()) all.push(...batch);
  return all.toSorted((a, b) => a.dueUs - b.dueUs);
}

function sourceOf(source: Source, requests: readonly Request[]): Source {
  return {
    ...source,
    async *open() {
      yield requests;
    },
  };
}

/** As long as the trace, for a comparison with it. */
export function asLongAs(fit: Fit, seed: number): Request[] {
  return [...until(fittedRequests(fit, seed), { durationS: fit.durationS, requests: null })];
}
