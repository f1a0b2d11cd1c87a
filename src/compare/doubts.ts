import { isDeepStrictEqual } from 'node:util';
import { meanRate } from '../core/rate.ts';
import { shareServer } from '../core/server-address.ts';
import { formatShare, threeFigures } from '../core/units.ts';
import type { Comparison } from '../schema/comparison.ts';
import type { Manifest } from '../schema/manifest.ts';
import { meanOf } from './change.ts';
import { isImported } from './likeness.ts';
import type { ComparedRequest, LoadedRun } from './load-runs.ts';

type Doubt = Comparison['doubts'][number];

/** Delivered loads that differ by more than this are not the same load. */
const LOAD_TOLERANCE = 0.01;
/** Shares of cached prompt tokens that differ by more are another warmth. */
const CACHE_TOLERANCE = 0.02;

/** What makes the sides unlike besides the systems, the gravest first. */
export function doubtsOf(base: readonly LoadedRun[], now: readonly LoadedRun[], isPaired: boolean): Doubt[] {
  return [
    ...importedRuns([...base, ...now]),
    ...(isPaired
      ? []
      : [doubt('unpaired', false, 'the two sides have other requests: only distributions are compared')]),
    ...invalidRuns([...base, ...now]),
    ...unfinishedRuns([...base, ...now]),
    ...preparation([...base, ...now]),
    ...saltPolicy(base, now),
    ...warmth(base, now),
    ...delivered(base, now, isPaired),
    ...machines(base, now),
    ...clocks([...base, ...now]),
  ];
}

function doubt(code: string, blocks: boolean, text: string): Doubt {
  return { code, text, blocks };
}

/** Runs on a certified machine, at a load of which it is not known how late tokens are recorded. */
function clocks(runs: readonly LoadedRun[]): Doubt[] {
  const unknown = runs.filter(({ manifest: { certificate } }) => certificate?.timestamp_error_us === null);
  const [first] = unknown;
  if (first === undefined) return [];
  const of = `${unknown.length} of ${runs.length} runs (${first.dir}${unknown.length > 1 ? ' and others' : ''})`;
  return [
    doubt(
      'clock',
      false,
      `the load of ${of} was beyond what their machines were calibrated for: the error of their clocks is not in the intervals`,
    ),
  ];
}

function importedRuns(runs: readonly LoadedRun[]): Doubt[] {
  return runs.flatMap(({ dir, manifest: { imported } }) =>
    imported === undefined
      ? []
      : [doubt('imported', true, `${dir} is a result of ${imported.tool}: whether its client kept up is not known`)],
  );
}

function invalidRuns(runs: readonly LoadedRun[]): Doubt[] {
  return runs
    .filter((run) => !run.summary.validity.valid && !isImported(run))
    .map(({ dir, summary }) => doubt('not_valid', true, `${dir} is not valid: ${summary.validity.reasons.join('; ')}`));
}

function unfinishedRuns(runs: readonly LoadedRun[]): Doubt[] {
  return runs
    .filter(({ manifest }) => manifest.status !== 'complete')
    .map(({ dir, manifest }) =>
      doubt('not_complete', true, `${dir} did not complete: ${manifest.reason ?? manifest.status}`),
    );
}

/** What was done for some runs and not for others, besides sending the requests, by the options that say so. */
const PREPARATIONS: readonly (readonly [option: string, of: (manifest: Manifest) => unknown])[] = [
  ['--warmup-requests', ({ prepared }) => prepared?.warmup_requests ?? 0],
  ['--reset-cache', ({ prepared }) => (prepared?.cache_reset ?? null) !== null],
  // Absent: of an older run, or no connection was needed.
  ['--connections', ({ target }) => target.connections ?? 'reuse'],
];

function preparation(runs: readonly LoadedRun[]): Doubt[] {
  const unlike = PREPARATIONS.filter(([, of]) => new Set(runs.map(({ manifest }) => of(manifest))).size > 1);
  if (unlike.length === 0) return [];
  const options = unlike.map(([option]) => option).join(' and ');
  return [doubt('prepared', true, `not all runs were made with the same ${options}`)];
}

/**
 * Whether repeats of a side got other prompts each time, and whether the runs of one side alone came second to a server
 * that went on with the prompts of an earlier run in its cache.
 */
function saltPolicy(base: readonly LoadedRun[], now: readonly LoadedRun[]): Doubt[] {
  if (base[0]?.manifest.clock === 'virtual') return [];
  const repeats = (runs: readonly LoadedRun[]): boolean =>
    new Set(runs.map(({ manifest }) => manifest.salt)).size < runs.length;
  const secondShare = (runs: readonly LoadedRun[]): number =>
    runs.filter((run) => [...base, ...now].some((other) => mayKnow(run.manifest, other.manifest))).length / runs.length;
  const [ofBase, ofNow] = [repeats(base), repeats(now)];
  if (ofBase !== ofNow)
    return [
      doubt(
        'salt',
        true,
        `the runs of ${ofBase ? 'base' : 'new'} had the same prompts again, those of the other side new ones each time (--salt): a server's cache may have known them`,
      ),
    ];
  const [a, b] = [secondShare(base), secondShare(now)];
  if (a === b) return [];
  return [
    doubt(
      'salt',
      true,
      `the server of ${a > b ? 'base' : 'new'} had had the same prompts in an earlier run (--salt): its cache may have known them`,
    ),
  ];
}

/** Whether the server of a run had the prompts of an earlier one, and went on since. */
function mayKnow(run: Manifest, earlier: Manifest): boolean {
  return (
    run.salt !== null &&
    run.salt === earlier.salt &&
    run.started_at > earlier.started_at &&
    [run, earlier].every(({ target }) => target.kind === 'url') &&
    shareServer(run.target.spec, earlier.target.spec) &&
    run.options?.['start'] === undefined &&
    (run.prepared?.cache_reset ?? null) === null
  );
}

function cachedShare(runs: readonly LoadedRun[]): number | null {
  const shares = runs.map(({ summary }) => summary.delivered.prefix_reuse);
  const known = shares.filter((share) => share !== null);
  return known.length === 0 ? null : meanOf(known);
}

/** A system may cache more than another: that is what it is. One run of it that found more than the others was warm. */
function warmth(base: readonly LoadedRun[], now: readonly LoadedRun[]): Doubt[] {
  const warm = [...base, ...now]
    .filter(({ summary }) => summary.warnings.some(({ code }) => code === 'cached_tokens'))
    .map(({ dir }) =>
      doubt('cache', true, `${dir}: its server's cache knew prompts before the run; its latencies are too short`),
    );
  const [a, b] = [cachedShare(base), cachedShare(now)];
  if (warm.length > 0 || a === null || b === null || Math.abs(a - b) <= CACHE_TOLERANCE) return warm;
  return [
    doubt('cache', false, `of the prompt tokens ${formatShare(a)} were cached in base and ${formatShare(b)} in new`),
  ];
}

type Figure = (request: ComparedRequest) => number;

/**
 * Whether the servers got and gave the same: of requests that every run sent, and that every run answered. Which ones a
 * system fails to answer is what is compared, and must not seem to be another load.
 */
function delivered(base: readonly LoadedRun[], now: readonly LoadedRun[], isPaired: boolean): Doubt[] {
  const all = [...base, ...now];
  const compared: readonly (readonly [what: string, of: Figure, fold: (values: number[]) => number | null])[] = [
    ['requests/s sent', ({ sentUs }) => sentUs, rateOf],
    ['input tokens a request', ({ gotInputTokens }) => gotInputTokens, meanOf],
    ['output tokens a request', ({ gotOutputTokens }) => gotOutputTokens, meanOf],
  ];
  // With a cap on the requests in flight a slower system gets them more slowly, and their latencies hold the wait.
  const isCapped = base.some(({ manifest }) => manifest.max_in_flight !== null);
  return compared.flatMap(([what, of, fold]) => {
    const ids = isPaired ? idsInEach(all, of) : null;
    const [a = Number.NaN, b = Number.NaN] = [base, now].map((runs) =>
      meanOf(runs.map((run) => fold(valuesOf(run, of, ids)) ?? Number.NaN)),
    );
    // NaN: some run has none.
    if (!(Math.abs(b - a) > LOAD_TOLERANCE * Math.max(a, b))) return [];
    const blocks = fold !== rateOf || !isCapped;
    return [doubt('load', blocks, `another load was delivered: ${threeFigures(a)} and ${threeFigures(b)} ${what}`)];
  });
}

/** The requests of which every run has a figure. */
function idsInEach(runs: readonly LoadedRun[], of: Figure): ReadonlySet<string> {
  const ids = [...(runs[0]?.requests.keys() ?? [])];
  const has = (request: ComparedRequest | undefined): boolean => request !== undefined && !Number.isNaN(of(request));
  return new Set(ids.filter((id) => runs.every(({ requests }) => has(requests.get(id)))));
}

/** Of the requests with these ids; null: of all that have the figure. */
function valuesOf({ requests }: LoadedRun, of: Figure, ids: ReadonlySet<string> | null): number[] {
  return [...requests]
    .map(([id, request]) => (ids === null || ids.has(id) ? of(request) : Number.NaN))
    .filter((value) => !Number.isNaN(value));
}

function rateOf(timesUs: readonly number[]): number | null {
  const [first, last] = timesUs.reduce(([low, high], us) => [Math.min(low, us), Math.max(high, us)] as const, [
    Infinity,
    -Infinity,
  ] as const);
  return meanRate(timesUs.length, first, last);
}

/** Whether the clients were alike. */
export function machines(
  base: readonly Pick<LoadedRun, 'manifest'>[],
  now: readonly Pick<LoadedRun, 'manifest'>[],
): Doubt[] {
  const all = [...base, ...now];
  const different = <T>(of: (run: Pick<LoadedRun, 'manifest'>) => T): boolean =>
    all.some((run) => !isDeepStrictEqual(of(run), of(base[0] ?? run)));
  return [
    ...(different(({ manifest }) => manifest.machine)
      ? [doubt('machine', false, 'the clients ran on different machines')]
      : []),
    ...(different(({ manifest }) => manifest.versions['reprise'])
      ? [doubt('version', false, 'the runs are of different versions of reprise')]
      : []),
  ];
}
