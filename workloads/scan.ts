import { createHash } from 'node:crypto';
import { UserError } from '../src/core/errors.ts';
import type { PlanStats, Source } from '../src/core/plan.ts';
import type { Request } from '../src/core/request.ts';
import { BusiestWindow } from './busiest-window.ts';
import { OwnPromptCounter } from './own-prompts.ts';
import { ArrivalPattern } from './inspect/warnings.ts';
import { PrefixReuse } from './inspect/prefix.ts';
import { NewParts } from './new-parts.ts';

/** What a scan finds besides the totals, so that nobody has to read the trace again for it. */
export interface ScanOptions {
  /** Length of the warm-up, for `firstDueAfterWarmupUs`. */
  readonly warmupUs?: number;
  /** How many of the first requests are kept. */
  readonly firstRequests?: number;
  /** How many times as fast as its file the source is, for `warnings`. */
  readonly speed?: number;
}

/**
 * The first pass over a plan, before anything is sent: every row can be read, how much there is, and the digest that
 * names the load. The digest is SHA-256 over the seed and one JSON array a request:
 * [id, due_us, input, output, session, turn, class, model, blocks], and behind that an object of what else decides what is
 * sent when, where a request has any.
 */
export async function scanPlan(
  source: Source,
  seed: number,
  { warmupUs = 0, firstRequests = 0, speed = 1 }: ScanOptions = {},
): Promise<PlanStats> {
  const digest = createHash('sha256').update(`${seed}\n`);
  const totals = noTotals();
  const first: Request[] = [];
  let primingRequests = 0;
  const own = new OwnPromptCounter();
  let firstDueAfterWarmupUs: number | null = null;
  const prefix = new PrefixReuse(source.blockTokens ?? null);
  const repeated = new RepeatedHistory();
  const newParts = new NewParts();
  const pattern = new ArrivalPattern();
  const classes = new Set<string | null>();
  const [busiestS, busiest10S] = [new BusiestWindow(1e6), new BusiestWindow(10e6)];
  for await (const batch of source.before?.() ?? []) for (const request of batch) prefix.know(request);
  for await (const batch of source.open()) {
    digest.update(batch.map(digestLine).join(''));
    if (first.length < firstRequests) first.push(...batch.slice(0, firstRequests - first.length));
    firstDueAfterWarmupUs ??= batch.find(({ dueUs }) => dueUs >= warmupUs)?.dueUs ?? null;
    for (const request of batch) {
      newParts.add(request);
      if (request.continues === undefined) prefix.add(request);
      else repeated.add(request);
      // In trees requests do not stand in order of time.
      if (request.tree === undefined) {
        pattern.add(request.dueUs);
        busiestS.add(request.dueUs, 1);
        busiest10S.add(request.dueUs, request.outputTokens);
      }
      if (request.isPriming === true) primingRequests++;
      add(totals, request);
      if (classes.size <= MOST_CLASSES) classes.add(request.sloClass ?? null);
      own.add(request);
    }
  }
  if (totals.requests === 0) throw new UserError(`${source.path}: there is no request in it to replay`);
  const sha256 = digest.digest('hex');
  return {
    ...totals,
    ...(primingRequests === 0 ? {} : { primingRequests }),
    ...own.found(),
    firstDueAfterWarmupUs,
    firstRequests: first,
    ...(pattern.requests < totals.requests
      ? {}
      : { busiest: { requestsPerS: busiestS.most, tokensPerS: busiest10S.most / 10 } }),
    prefixReuse: repeated.reuseWith(prefix.statistics()?.max_hit_ratio_tokens ?? null, totals.inputTokens),
    ...(newParts.alone ? { hasNewParts: true } : {}),
    sourceSha256: (await source.sha256?.()) ?? sha256,
    digest: sha256,
    ...(classes.size > MOST_CLASSES ? {} : { classes: [...classes] }),
    warnings: pattern.requests === 0 ? [] : pattern.warnings(source, speed),
  };
}

/** More classes are not listed: they are no classes of SLO. */
const MOST_CLASSES = 1000;

/** What prompts repeat of earlier prompts and answers of their sessions, where answers are those of the run. */
class RepeatedHistory {
  #inputTokens = 0;
  #repeatedTokens = 0;

  add({ inputTokens, newTokens = inputTokens }: Request): void {
    this.#inputTokens += inputTokens;
    this.#repeatedTokens += inputTokens - newTokens;
  }

  /** The share of all input tokens, given the share of the others that an unlimited prefix cache would hold. */
  reuseWith(ofOthers: number | null, inputTokens: number): number | null {
    if (this.#inputTokens === 0) return ofOthers;
    return (this.#repeatedTokens + (ofOthers ?? 0) * (inputTokens - this.#inputTokens)) / inputTokens;
  }
}

type Totals = { -readonly [K in keyof Omit<PlanStats, NotTotalled>]: PlanStats[K] };
type NotTotalled =
  | 'busiest'
  | 'primingRequests'
  | 'ownPrompts'
  | 'models'
  | 'firstDueAfterWarmupUs'
  | 'firstRequests'
  | 'prefixReuse'
  | 'sourceSha256'
  | 'digest'
  | 'classes'
  | 'warnings'
  | 'hasNewParts';

function noTotals(): Totals {
  return {
    requests: 0,
    firstDueUs: 0,
    lastDueUs: 0,
    inputTokens: 0,
    outputTokens: 0,
    minInputTokens: Number.POSITIVE_INFINITY,
    maxInputTokens: 0,
    maxOutputTokens: 0,
    longest: { id: '', traceRow: 0, inputTokens: 0, outputTokens: 0 },
  };
}

function add(totals: Totals, { id, traceRow, dueUs, inputTokens, outputTokens }: Request): void {
  if (inputTokens + outputTokens > totals.longest.inputTokens + totals.longest.outputTokens)
    totals.longest = { id, traceRow, inputTokens, outputTokens };
  totals.firstDueUs = totals.requests === 0 ? dueUs : Math.min(totals.firstDueUs, dueUs);
  totals.requests++;
  totals.lastDueUs = Math.max(totals.lastDueUs, dueUs);
  totals.inputTokens += inputTokens;
  totals.outputTokens += outputTokens;
  totals.minInputTokens = Math.min(totals.minInputTokens, inputTokens);
  totals.maxInputTokens = Math.max(totals.maxInputTokens, inputTokens);
  totals.maxOutputTokens = Math.max(totals.maxOutputTokens, outputTokens);
}

function digestLine(request: Request): string {
  const { id, dueUs, inputTokens, outputTokens, session, turn, sloClass, model, blocks } = request;
  const { after, prompt, payload, params, media, newTokens, isPriming, continues } = request;
  const line: unknown[] = [id, dueUs, inputTokens, outputTokens, session, turn, sloClass, model, blocks];
  const more = { after, prompt, payload, params, media, newTokens, isPriming, continues };
  if (Object.values(more).some((value) => value !== undefined)) line.push(more);
  return `${JSON.stringify(line)}\n`;
}
