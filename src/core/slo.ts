import { nearest } from './did-you-mean.ts';
import { UserError } from './errors.ts';
import { parseDurationUs } from './units.ts';

/** Limits of a service-level objective, in milliseconds; an absent limit is not judged. */
export interface Slo {
  readonly ttft?: number;
  readonly tpot?: number;
  readonly e2e?: number;
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

export const SLO_METRICS = ['ttft', 'tpot', 'e2e'] as const;
export type SloMetric = (typeof SLO_METRICS)[number];

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

/** Parses `ttft=200ms,tpot=50ms`. Throws a UserError that names the wrong part. */
export function parseSlo(text: string): Slo {
  const slo: { -readonly [K in SloMetric]?: number } = {};
  for (const part of text.split(',')) {
    const [name = '', value = '', ...rest] = part.trim().split('=');
    const metric = SLO_METRICS.find((known) => known === name.trim().toLowerCase());
    if (metric === undefined || rest.length > 0)
      throw new UserError(
        `--slo: "${part.trim()}" is not a limit; ${meantLimit(part, name, value)}write METRIC=DURATION with METRIC one of ${SLO_METRICS.join(', ')}, e.g. "ttft=200ms,tpot=50ms"`,
      );
    if (slo[metric] !== undefined) throw new UserError(`--slo: ${metric} is given twice in "${text}"`);
    const limitMs = parseDurationUs(value, `--slo ${metric}`) / 1000;
    if (limitMs <= 0) throw new UserError(`--slo ${metric}: the limit must be above zero, got "${value}"`);
    slo[metric] = limitMs;
  }
  return slo;
}
