// Makes the bundled samples, the same bytes on every machine: node scripts/make-samples.ts
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { randomStream, uniform, type Random } from '../src/core/random.ts';

/** A sample: a rate over time and two length distributions. */
interface Sample {
  readonly durationMs: number;
  /** Requests per second at second `t`. */
  readonly rate: (t: number) => number;
  readonly input: Skew;
  readonly output: Skew;
}

interface Skew {
  readonly median: number;
  readonly sigma: number;
  readonly least: number;
  readonly most: number;
}

/** What `workloads/samples` holds, by name. */
const MADE: Readonly<Record<string, Sample>> = {
  // A quiet service with two bursts.
  chat: {
    durationMs: 45_000,
    rate: (t) => (t >= 11 && t < 15 ? 16 : t >= 29 && t < 31 ? 24 : 4.5),
    input: { median: 600, sigma: 0.95, least: 20, most: 6000 },
    output: { median: 130, sigma: 0.75, least: 5, most: 600 },
  },
  // Completions in editors: a second of many requests every six or so, little between; much context, few tokens back.
  code: {
    durationMs: 60_000,
    rate: (t) => (t % 6 < 1 ? 11 : t >= 38 && t < 40 ? 14 : 0.6),
    input: { median: 2200, sigma: 0.75, least: 100, most: 7500 },
    output: { median: 16, sigma: 0.9, least: 1, most: 200 },
  },
};
export const MADE_SAMPLES: readonly string[] = Object.keys(MADE);

/** A sample as plain CSV: whole milliseconds, at most one arrival in each. */
export function madeSample(name: string): string {
  const sample = MADE[name];
  if (sample === undefined) throw new Error(`no sample ${name}`);
  const arrivals = randomStream(7, name, 'arrivals');
  const lengths = randomStream(7, name, 'lengths');
  const rows = ['arrival_s,input_tokens,output_tokens'];
  for (let ms = 0; ms < sample.durationMs; ms++) {
    if (rows.length > 1 && uniform(arrivals) >= sample.rate(ms / 1000) / 1000) continue;
    const input = skewed(lengths, sample.input);
    const output = skewed(lengths, sample.output);
    rows.push(`${Math.floor(ms / 1000)}.${String(ms % 1000).padStart(3, '0')},${input},${output}`);
  }
  return `${rows.join('\n')}\n`;
}

/**
 * A length with a long tail, near a lognormal, from exact arithmetic only: the normal is the sum of twelve uniforms,
 * the exponential its limit (1 + x/16)^16, so that no machine's `Math.exp` decides a digit.
 */
function skewed(random: Random, { median, sigma, least, most }: Skew): number {
  let normal = -6;
  for (let i = 0; i < 12; i++) normal += uniform(random);
  let power = Math.max(0, 1 + (sigma * normal) / 16);
  for (let i = 0; i < 4; i++) power *= power;
  return Math.min(most, Math.max(least, Math.round(median * power)));
}

if (import.meta.main)
  for (const name of MADE_SAMPLES) {
    const path = join(import.meta.dirname, '..', 'workloads', 'samples', `${name}.csv`);
    writeFileSync(path, madeSample(name));
    console.log(path);
  }
