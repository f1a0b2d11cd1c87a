import { isDeepStrictEqual } from 'node:util';
import { UserError } from '../core/errors.ts';
import type { Manifest } from '../schema/manifest.ts';
import { isNoisy, requireEachOnce, requireNoCopies } from './copies.ts';
import type { LoadedRun } from './load-runs.ts';

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
 * Throws a UserError where a run shows nothing, or one is there twice, and with what differs where two sides, or the
 * repeats of one, were not asked to do the same: by their manifests, and request by request. Results of other tools do not
 * say what was asked; false: their requests are not the same, and cannot be paired.
 */
export function requireSameLoad(base: readonly LoadedRun[], now: readonly LoadedRun[]): boolean {
  const [first, ...others] = [...base, ...now];
  if (first === undefined) throw new Error('there is no run to compare');
  requireEachOnce([...base, ...now]);
  for (const { dir, requests } of [...base, ...now])
    if (requests.size === 0) throw new UserError(`${dir}: no request of it was measured; there is nothing to compare`);
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
  for (const side of [base, now]) {
    requireOneSystem(side);
    requireNoCopies(side);
  }
  return true;
}

export const isImported = ({ manifest }: LoadedRun): boolean => manifest.imported !== undefined;

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
  for (const other of others)
    if (first !== undefined && isExact(first) && isExact(other) && sha256Of(first) !== sha256Of(other))
      throw new UserError(
        `${first.dir} and ${other.dir} are on one side and not of one system: in virtual time without noise its runs repeat to the bit, and these differ (${versionOf(first)} and ${versionOf(other)})`,
      );
}

/** Whether a run repeats to the bit: nothing in it varies. */
export function isExact({ manifest }: LoadedRun): boolean {
  return manifest.status === 'complete' && repeatsToTheBit(manifest);
}

/** Whether the same again would have the same figures. */
export function repeatsToTheBit(manifest: Manifest): boolean {
  return manifest.clock === 'virtual' && !isNoisy(manifest);
}

const sha256Of = ({ summary }: LoadedRun): string | null => summary.records_sha256;
const versionOf = ({ manifest }: LoadedRun): string => `reprise ${manifest.versions['reprise'] ?? 'of no version'}`;
