import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { comparisonSchema, type Comparison } from '../../src/schema/comparison.ts';
import type { Manifest } from '../../src/schema/manifest.ts';
import { cli, readJson, temporaryFolder, type CliResult } from '../cli.ts';
import { readRunFile } from '../written-files.ts';

/** Of the tests of one file. */
export const folder = temporaryFolder();
export const PLAIN = 'reference:vllm-v1,async=off,model=llama-3.1-8b,gpu=h100-sxm';
export const NOISY = `${PLAIN},noise=0.03,run_noise=0.01`;
/** Host work that the GPU waits for, which makes an iteration longer by some 20 %. */
export const SLOWER = `${NOISY},host_fixed_us=3500`;

/** 200 requests, eight a second. */
export const trace = join(folder, 'trace.csv');
const rows = Array.from({ length: 200 }, (_, i) => `${(i / 8).toFixed(3)},${300 + ((i * 37) % 400)},${20 + (i % 13)}`);
writeFileSync(trace, `arrival_s,input_tokens,output_tokens\n${rows.join('\n')}\n`);

export function argsOf(name: string, base: string, now: string, ...options: string[]): string[] {
  const out = join(folder, name);
  return ['ab', trace, '--clock', 'virtual', '--base', base, '--new', now, '--out', out, ...options];
}
export const ab = (name: string, base: string, now: string, ...options: string[]): Promise<CliResult> =>
  cli(...argsOf(name, base, now, ...options));

export function readComparison(name: string): Comparison {
  return comparisonSchema.parse(readJson(folder, name, 'comparison.json'));
}

/** The runs in order of their starts, and where they stand. */
export function runsOf(name: string, repeats: number): { readonly at: string; readonly manifest: Manifest }[] {
  return ['base', 'new']
    .flatMap((side) => Array.from({ length: repeats }, (_, i) => `${side}/${i + 1}`))
    .map((at) => ({ at, manifest: readRunFile(join(folder, name, at)) }))
    .toSorted((a, b) => (a.manifest.started_at < b.manifest.started_at ? -1 : 1));
}
