import { nearest } from './did-you-mean.ts';
import { UserError } from './errors.ts';
import { parseDurationUs } from './units.ts';

/** The latencies that a request has one of. */
export const REQUEST_LATENCIES = ['ttft', 'tpot', 'e2e'] as const;
export type RequestLatency = (typeof REQUEST_LATENCIES)[number];

/** Quantiles of the gaps between a request's own tokens, nearest rank, by the limits on them. */
export const ITL_QUANTILES = {
  'itl.p50': 0.5,
  'itl.p90': 0.9,
  'itl.p95': 0.95,
  'itl.p99': 0.99,
  'itl.max': 1,
} as const;
export type ItlMetric = keyof typeof ITL_QUANTILES;

/** What an SLO limits. */
export const SLO_METRICS = [
  ...REQUEST_LATENCIES,
  'itl.p50',
  'itl.p90',
  'itl.p95',
  'itl.p99',
  'itl.max',
] as const satisfies readonly (RequestLatency | ItlMetric)[];
export type SloMetric = (typeof SLO_METRICS)[number];

/** The latency that a limit is on. */
export function latencyOf(metric: SloMetric): RequestLatency | 'itl' {
  return metric === 'ttft' || metric === 'tpot' || metric === 'e2e' ? metric : 'itl';
}

/** Limits on the latencies of a request, in milliseconds; an absent limit is not judged. */
export type Limits = { readonly [M in SloMetric]?: number };

/** A service-level objective: limits, and other limits for the requests of some classes (`Request.sloClass`). */
export interface Slo extends Limits {
  /** By class, in place of those beside it. */
  readonly by_class?: Readonly<Record<string, Limits>>;
}

/** Whether anything is limited. */
export function hasLimits(limits: Limits): boolean {
  for (const metric of SLO_METRICS) if (limits[metric] !== undefined) return true;
  return false;
}

/** The limits of a class, or those for all where it has none of its own; null: none, its requests are not judged. */
export function limitsOf(slo: Slo, sloClass: string | null): Limits | null {
  const { by_class: own } = slo;
  if (own !== undefined && sloClass !== null && Object.hasOwn(own, sloClass)) return own[sloClass] ?? null;
  return hasLimits(slo) ? slo : null;
}

/** The parts of an SLO, each with its class; null: for the requests of all other classes. */
export function partsOf({ by_class = {}, ...others }: Slo): (readonly [sloClass: string | null, limits: Limits])[] {
  return [...Object.entries(by_class), ...(hasLimits(others) ? [[null, others] as const] : [])];
}

/** The SLO with each of its limits changed. */
export function mapLimits(slo: Slo, change: (limitMs: number, metric: SloMetric) => number): Slo {
  const changed = (limits: Limits): Limits =>
    Object.fromEntries(
      SLO_METRICS.flatMap((metric) => {
        const limitMs = limits[metric];
        return limitMs === undefined ? [] : [[metric, change(limitMs, metric)]];
      }),
    );
  const { by_class } = slo;
  if (by_class === undefined) return changed(slo);
  return {
    ...changed(slo),
    by_class: Object.fromEntries(Object.entries(by_class).map(([name, limits]) => [name, changed(limits)])),
  };
}

/** The limits that every part has alike: those that one line in a chart can stand for. */
export function commonLimits(slo: Slo): Limits {
  const parts = partsOf(slo).map(([, limits]) => limits);
  const [first = {}, ...others] = parts;
  return Object.fromEntries(
    SLO_METRICS.flatMap((metric) =>
      first[metric] !== undefined && others.every((limits) => limits[metric] === first[metric])
        ? [[metric, first[metric]]]
        : [],
    ),
  );
}

/**
 * Share of requests that should meet an SLO where the user gives none (`contract.md`, "goodput" and `--at`): a verdict
 * is good from this share on, and reports mark the load that meets it.
 */
export const GOAL = 0.9;

/** An SLO as the user gave it: by its limits, or by the name of a published profile. */
export interface SloSpec {
  readonly text: string;
  readonly limits: Slo;
  readonly profile?: { readonly name: string; readonly source: string };
}

/** Parses the share of `--at`: `95%` or `0.95`. Throws a UserError for any other text. */
export function parseGoal(text: string): number {
  const match = /^(\d+(?:\.\d+)?|\.\d+)\s*(%?)$/.exec(text.trim());
  const share = Number(match?.[1] ?? Number.NaN) / (match?.[2] === '%' ? 100 : 1);
  if (share > 0 && share < 1) return Number(share.toPrecision(12));
  const hint = share >= 1 && match?.[2] === '' ? `; ${text.trim()} percent is written ${text.trim()}%` : '';
  throw new UserError(
    `--at: "${text}" is not a share of requests; write one above 0 and below 1, e.g. 95% or 0.95${hint}`,
  );
}

/** The limit that was probably meant. */
function meantLimit(part: string, name: string, value: string): string {
  const near = nearest(name.trim(), SLO_METRICS);
  return near === undefined || value === '' || part.split('=').length !== 2
    ? ''
    : `did you mean ${near}=${value}? Else `;
}

/**
 * Parses `ttft=200ms,itl.p99=100ms`, or limits by class, `chat:ttft=200ms;batch:e2e=30s;*:ttft=1s`, where a part without
 * a class, or with `*`, holds for the requests of all other classes. `named`: the limits that a name stands for in
 * place of limits. Throws a UserError that names the wrong part.
 */
export function parseSlo(text: string, named: (name: string) => Limits | null = () => null): Slo {
  const parts = text.split(';').map((part) => classAndLimits(part, text));
  const found = new Map<string | null, Limits>();
  for (const { sloClass, limits } of parts) {
    if (found.has(sloClass))
      throw new UserError(
        `--slo: ${sloClass === null ? 'the part without a class' : `class "${sloClass}"`} is given twice in "${text}"`,
      );
    found.set(sloClass, named(limits.trim()) ?? parseLimits(limits));
  }
  const others = found.get(null) ?? {};
  const own = [...found].flatMap(([name, limits]) => (name === null ? [] : [[name, limits] as const]));
  return own.length === 0 ? others : { ...others, by_class: Object.fromEntries(own) };
}

/** A class may hold any sign but `=` and `;`: it ends at the last colon before the first limit. */
function classAndLimits(part: string, text: string): { readonly sloClass: string | null; readonly limits: string } {
  if (part.trim() === '')
    throw new UserError(`--slo: there is an empty part in "${text}"; write e.g. "chat:ttft=200ms;batch:e2e=30s"`);
  const [beforeLimit = ''] = part.split('=');
  const colon = beforeLimit.lastIndexOf(':');
  if (colon < 0) return { sloClass: null, limits: part };
  const name = part.slice(0, colon).trim();
  if (name === '')
    throw new UserError(`--slo: "${part.trim()}" has no class before the colon; write e.g. "chat:ttft=200ms"`);
  return { sloClass: name === '*' ? null : name, limits: part.slice(colon + 1) };
}

function parseLimits(text: string): Limits {
  const limits: { -readonly [K in SloMetric]?: number } = {};
  for (const part of text.split(',')) {
    const [name = '', value = '', ...rest] = part.trim().split('=');
    const metric = SLO_METRICS.find((known) => known === name.trim().toLowerCase());
    if (metric === undefined || rest.length > 0)
      throw new UserError(
        `--slo: "${part.trim()}" is not a limit; ${meantLimit(part, name, value)}write METRIC=DURATION with METRIC one of ${SLO_METRICS.join(', ')}, e.g. "ttft=200ms,tpot=50ms"`,
      );
    if (limits[metric] !== undefined) throw new UserError(`--slo: ${metric} is given twice in "${text.trim()}"`);
    const limitMs = parseDurationUs(value, `--slo ${metric}`) / 1000;
    if (limitMs <= 0) throw new UserError(`--slo ${metric}: the limit must be above zero, got "${value}"`);
    limits[metric] = limitMs;
  }
  return limits;
}

/**
 * Checks that the classes of an SLO are among those of the requests, `null` being requests without one. Throws a
 * UserError that names these.
 */
export function checkClasses(slo: Slo, classes: Iterable<string | null>): void {
  const found = new Set(classes);
  for (const name of Object.keys(slo.by_class ?? {}))
    if (!found.has(name)) throw new UserError(`--slo: no request is of class "${name}"; ${classesText(found)}`);
}

/**
 * Checks that there are limits for the requests of every class: a search has to count each of them. Throws a UserError.
 */
export function checkAllJudged(slo: Slo, classes: Iterable<string | null>): void {
  for (const name of classes)
    if (limitsOf(slo, name) === null)
      throw new UserError(
        `--slo: there are no limits for requests ${name === null ? 'without a class' : `of class "${name}"`}, and a search counts every request; add a part for all others, e.g. ";*:e2e=60s", or leave them out (--filter)`,
      );
}

/** Classes named in an error. */
const MOST_NAMED = 20;

function classesText(found: ReadonlySet<string | null>): string {
  const names = [...found].filter((name) => name !== null);
  if (names.length === 0) return 'the trace gives its requests no classes, so write limits for all, e.g. "ttft=200ms"';
  const others = names.length > MOST_NAMED ? ` and ${names.length - MOST_NAMED} others` : '';
  return `the trace has ${names.slice(0, MOST_NAMED).join(', ')}${others}${found.has(null) ? ', and requests without a class' : ''}`;
}
