// Makes the bundled samples, the same bytes on every machine: node scripts/make-samples.ts
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { randomStream, uniform, type Random } from '../src/core/random.ts';

/** Requests per second at second `t` of the chat sample: a quiet service with two bursts. */
function chatRate(t: number): number {
  if (t >= 11 && t < 15) return 16;
  if (t >= 29 && t < 31) return 24;
  return 4.5;
}

/** 45 s of chat as plain CSV: whole milliseconds, at most one arrival in each. */
export function chatSample(): string {
  const arrivals = randomStream(7, 'chat', 'arrivals');
  const lengths = randomStream(7, 'chat', 'lengths');
  const rows = ['arrival_s,input_tokens,output_tokens'];
  for (let ms = 0; ms < 45_000; ms++) {
    if (rows.length > 1 && uniform(arrivals) >= chatRate(ms / 1000) / 1000) continue;
    const input = skewed(lengths, 600, 0.95, 20, 6000);
    const output = skewed(lengths, 130, 0.75, 5, 600);
    rows.push(`${Math.floor(ms / 1000)}.${String(ms % 1000).padStart(3, '0')},${input},${output}`);
  }
  return `${rows.join('\n')}\n`;
}

/**
 * A length with a long tail, near a lognormal, from exact arithmetic only: the normal is the sum of twelve uniforms,
 * the exponential its limit (1 + x/16)^16, so that no machine's `Math.exp` decides a digit.
 */
function skewed(random: Random, median: number, sigma: number, least: number, most: number): number {
  let normal = -6;
  for (let i = 0; i < 12; i++) normal += uniform(random);
  let power = Math.max(0, 1 + (sigma * normal) / 16);
  for (let i = 0; i < 4; i++) power *= power;
  return Math.min(most, Math.max(least, Math.round(median * power)));
}

if (import.meta.main) {
  const path = join(import.meta.dirname, '..', 'workloads', 'samples', 'chat.csv');
  writeFileSync(path, chatSample());
  console.log(path);
}
