import { isDeepStrictEqual } from 'node:util';
import { UserError } from '../core/errors.ts';
import { formatShare, threeFigures } from '../core/units.ts';
import type { Comparison } from '../schema/comparison.ts';
import type { Manifest } from '../schema/manifest.ts';
import type { LoadedRun } from './load-runs.ts';

type Doubt = Comparison['doubts'][number];

/** Delivered loads that differ by more than this are not the same load. */
const LOAD_TOLERANCE = 0.01;
/** Shares of cached prompt tokens that differ by more are another warmth. */
const CACHE_TOLERANCE = 0.02;

/** What has to be the same in all runs, by the names of the options that set it. */
const FINGERPRINT: readonly (readonly [name: string, of: (manifest: Manifest) => unknown])[] = [
  ['the trace', ({ workload }) => workload.sha256],
  ['its transforms', ({ workload }) => workload.transforms],
  ['--seed', ({ seed }) => seed],
  ['the requests', ({ plan_sha256 }) => plan_sha256],
  ['--clock', ({ clock }) => clock],
  ['--warmup or --cooldown', ({ measured }) => measured],
  ['--timeout', ({ timeout_s }) => timeout_s],
  ['--ttft-timeout', ({ ttft_timeout_s }) => ttft_timeout_s],
  ['--max-in-flight', ({ max_in_flight }) => max_in_flight],
  ['--no-ignore-eos', ({ ignore_eos }) => ignore_eos],
  ['--no-stream', ({ stream }) => stream],
  ['--temperature', ({ temperature }) => temperature],
  ['--extra-body', ({ extra_body }) => extra_body],
  ['the SLO (give --slo to judge both by one)', ({ slo }) => slo?.limits_ms],
  ['the form of the prompts', ({ prompts }) => prompts?.form],
];

/** In what two runs were not asked to do the same, by the options that set it; empty: in nothing. */
export function unlikeLoad(one: Manifest, other: Manifest): string[] {
  return FINGERPRINT.filter(([, of]) => !isDeepStrictEqual(of(one), of(other))).map(([name]) => name);
}

/**
 * Throws a UserError with what differs where two sides, or the repeats of one, were not asked to do the same: by their
 * manifests, and request by request. Results of other tools do not say what was asked; false: their requests are not the
 * same, and cannot be paired.
 */
export function requireSameLoad(base: readonly LoadedRun[], now: readonly LoadedRun[]): boolean {
  const [first, ...others] = [...base, ...now];
  if (first === undefined) throw new Error('there is no run to compare');
  if ([...base, ...now].some(isImported)) {
    for (const other of others) requireSameSlo(first, other);
    return others.every((other) => haveSameLengths(first, other));
  }
  for (const other of others) {
    const unlike = unlikeLoad(first.manifest, other.manifest);
    if (unlike.length > 0)
      throw new UserError(`${first.dir} and ${other.dir} cannot be compared: they differ in ${unlike.join(', ')}`);
    requireSameRequests(first, other);
  }
  for (const side of [base, now]) requireOneSystem(side);
  return true;
}

const isImported = ({ manifest }: LoadedRun): boolean => manifest.imported !== undefined;

function requireSameSlo(one: LoadedRun, other: LoadedRun): void {
  const [a, b] = [one.manifest.slo?.limits_ms, other.manifest.slo?.limits_ms];
  if (a !== undefined && b !== undefined && !isDeepStrictEqual(a, b))
    throw new UserError(
      `${one.dir} and ${other.dir} cannot be compared: they are judged by other SLOs; give --slo to judge both by one`,
    );
}

/** Requests of one id have the same lengths in both; when each was due is not asked for. */
function haveSameLengths(one: LoadedRun, other: LoadedRun): boolean {
  if (one.requests.size !== other.requests.size) return false;
  for (const [id, a] of one.requests) {
    const b = other.requests.get(id);
    if (b === undefined || a.inputTokens !== b.inputTokens || a.outputTokens !== b.outputTokens) return false;
  }
  return true;
}

function requireSameRequests(one: LoadedRun, other: LoadedRun): void {
  const differ = (id: string, what: string): never => {
    throw new UserError(`${one.dir} and ${other.dir} cannot be compared: request ${id} ${what}`);
  };
  for (const [id, a] of one.requests) {
    const b = other.requests.get(id);
    if (b === undefined) differ(id, `has no record in ${other.dir}`);
    else if (a.dueUs !== b.dueUs)
      differ(id, `is due at ${a.dueUs / 1e6} s in the one and ${b.dueUs / 1e6} s in the other`);
    else if (a.inputTokens !== b.inputTokens) differ(id, `has ${a.inputTokens} and ${b.inputTokens} input tokens`);
    else if (a.outputTokens !== b.outputTokens) differ(id, `has ${a.outputTokens} and ${b.outputTokens} output tokens`);
  }
  for (const id of other.requests.keys()) if (!one.requests.has(id)) differ(id, `has no record in ${one.dir}`);
}

/** Repeats are of one system. */
function requireOneSystem(runs: readonly LoadedRun[]): void {
  const [first, ...others] = runs;
  // The seed of an engine's noise tells its repeats apart.
  const systemOf = ({ manifest: { target } }: LoadedRun): unknown => {
    const { seed: _, ...facts } = target.facts;
    return {
      kind: target.kind,
      model: target.model,
      ...(target.kind === 'reference' ? { facts } : { spec: target.spec }),
    };
  };
  for (const other of others)
    if (first !== undefined && !isDeepStrictEqual(systemOf(first), systemOf(other)))
      throw new UserError(
        `${first.dir} and ${other.dir} are on one side and not of one system: ${first.manifest.target.spec} and ${other.manifest.target.spec}`,
      );
}

/** What makes the sides unlike besides the systems, the gravest first. */
export function doubtsOf(base: readonly LoadedRun[], now: readonly LoadedRun[], isPaired: boolean): Doubt[] {
  return [
    ...importedRuns([...base, ...now]),
    ...(isPaired
      ? []
      : [doubt('unpaired', false, 'the two sides have other requests: only distributions are compared')]),
    ...invalidRuns([...base, ...now]),
    ...unfinishedRuns([...base, ...now]),
    ...saltPolicy(base, now),
    ...warmth(base, now),
    ...delivered(base, now),
    ...machines(base, now),
  ];
}

function doubt(code: string, blocks: boolean, text: string): Doubt {
  return { code, text, blocks };
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

/** Whether repeats of a side got other prompts each time. */
function saltPolicy(base: readonly LoadedRun[], now: readonly LoadedRun[]): Doubt[] {
  const repeats = (runs: readonly LoadedRun[]): boolean =>
    new Set(runs.map(({ manifest }) => manifest.salt)).size < runs.length;
  if (base[0]?.manifest.clock === 'virtual') return [];
  const [ofBase, ofNow] = [repeats(base), repeats(now)];
  if (ofBase === ofNow) return [];
  const same = ofBase ? 'base' : 'new';
  return [
    doubt(
      'salt',
      true,
      `the runs of ${same} had the same prompts again, those of the other side new ones each time (--salt): a server's cache may have known them`,
    ),
  ];
}

function cachedShare(runs: readonly LoadedRun[]): number | null {
  const shares = runs.map(({ summary }) => summary.delivered.prefix_reuse);
  const known = shares.filter((share) => share !== null);
  return known.length === 0 ? null : known.reduce((sum, share) => sum + share, 0) / known.length;
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

function delivered(base: readonly LoadedRun[], now: readonly LoadedRun[]): Doubt[] {
  const mean = (runs: readonly LoadedRun[], of: (run: LoadedRun) => number | null): number | null => {
    const values = runs.map(of).filter((value) => value !== null);
    return values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length;
  };
  const compared: readonly (readonly [string, (run: LoadedRun) => number | null])[] = [
    ['requests/s sent', ({ summary }) => summary.delivered.got.rate_rps],
    ['input tokens a request', ({ summary }) => summary.delivered.got.input_tokens_mean],
    ['output tokens a request', ({ summary }) => summary.delivered.got.output_tokens_mean],
  ];
  return compared.flatMap(([what, of]) => {
    const [a, b] = [mean(base, of), mean(now, of)];
    if (a === null || b === null || Math.abs(b - a) <= LOAD_TOLERANCE * Math.max(a, b)) return [];
    return [doubt('load', true, `another load was delivered: ${threeFigures(a)} and ${threeFigures(b)} ${what}`)];
  });
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
