import { join } from 'node:path';
import type { Source, TransformSpec } from '../../src/core/plan.ts';
import { applyTransforms, openSource } from '../../workloads/index.ts';
import { arrivalStatistics } from '../../workloads/inspect/arrivals.ts';
import { PrefixReuse } from '../../workloads/inspect/prefix.ts';

/** A figure of a load: CV of gaps, dispersion of counts in so many seconds, share of blocks that prompts find. */
type Figure = 'cv' | 'idc1' | 'idc10' | 'idc60' | 'reuse';
type Figures = Readonly<Record<Figure, number>>;

/** What transforms of a trace should make of it; random ones are means over seeds. */
interface Case {
  readonly name: string;
  readonly trace: 'azure' | 'mooncake';
  readonly isRandom: boolean;
  readonly transforms: (seed: number) => readonly TransformSpec[];
  readonly wanted: Partial<Figures>;
}

const FILES = { azure: 'AzureLLMInferenceTrace_conv.csv', mooncake: 'mooncake_conversation_trace.jsonl' } as const;

/**
 * Section 4 of `traces.md` and 5a of `traces-agentic.md`, for thinning and sampling of prefixes what is to be expected
 * rather than the page's single draws: of a block that k requests have, 1 - (1 - share)^k are in a sample of requests,
 * which leaves 0.268 and 0.117 of the blocks to be found; a sample of whole trees has the reuse of the trace.
 */
export const TRANSFORM_CASES: readonly Case[] = [
  fixed('azure', 'twice as fast', { cv: 1.0942, idc60: 29.5 }, { op: 'speed', args: { factor: 2 } }),
  fixed(
    'azure',
    'two copies at the same times',
    { cv: 1.84, idc1: 2.77, idc10: 7.714, idc60: 32.257 },
    twice('same', 'fresh'),
  ),
  fixed('mooncake', 'two copies at the same times with the same blocks', { reuse: 0.683 }, twice('same', 'same')),
  fixed('azure', 'first 600 s', { cv: 1.103 }, window(0, 600)),
  fixed('mooncake', 'first 600 s', { reuse: 0.284 }, window(0, 600)),
  fixed('mooncake', 'first half', { reuse: 0.346 }, window(0, 1768.4995)),
  fixed('mooncake', 'second half', { reuse: 0.337 }, window(1768.4995, null)),
  fixed(
    'mooncake',
    'declumped evenly',
    { cv: 0.371, idc1: 0.43, idc60: 2.84 },
    { op: 'declump', args: { by: 'even' } },
  ),
  random('mooncake', 'declumped uniformly', { cv: 1.009, idc1: 1.05, idc60: 2.84 }, (seed) => ({
    op: 'declump',
    args: { by: 'uniform', seed },
  })),
  random('azure', 'half of the requests', { cv: 1.079, idc60: 8.7 }, (seed) => ({
    op: 'thin',
    args: { share: 0.5, seed },
  })),
  random('azure', 'a tenth of the requests', { cv: 1.052, idc60: 2.66 }, (seed) => ({
    op: 'thin',
    args: { share: 0.1, seed },
  })),
  random('mooncake', 'half of the requests', { reuse: 0.268 }, (seed) => ({ op: 'thin', args: { share: 0.5, seed } })),
  random('mooncake', 'a tenth of the requests', { reuse: 0.1175 }, (seed) => ({
    op: 'thin',
    args: { share: 0.1, seed },
  })),
  random('mooncake', 'half of the prefix trees', { reuse: 0.366 }, (seed) => ({
    op: 'sample-sessions',
    args: { share: 0.5, seed },
  })),
  random('mooncake', 'a tenth of the prefix trees', { reuse: 0.366 }, (seed) => ({
    op: 'sample-sessions',
    args: { share: 0.1, seed },
  })),
  random('azure', 'two copies at other times', { cv: 1.056, idc1: 1.3851, idc10: 3.857, idc60: 16.1283 }, (seed) => ({
    op: 'copies',
    args: { copies: 2, seed, times: 'shifted', blocks: 'fresh' },
  })),
  random('mooncake', 'two copies at other times', { reuse: 0.366 }, (seed) => ({
    op: 'copies',
    args: { copies: 2, seed, times: 'shifted', blocks: 'fresh' },
  })),
];

/** A figure that a case wants, what it is, and how far off it may be. */
export interface TransformEffect {
  readonly name: string;
  readonly figure: Figure;
  readonly wanted: number;
  readonly found: number;
  readonly within: number;
}

/** Runs the cases on the traces in a folder, the random ones with seeds 1, 2, ... */
export async function transformEffects(
  folder: string,
  seeds: number,
  cases: readonly Case[] = TRANSFORM_CASES,
): Promise<TransformEffect[]> {
  const effects: TransformEffect[] = [];
  for (const { name, trace, isRandom, transforms, wanted } of cases) {
    const source = await openSource(join(folder, FILES[trace]), { onBadRow: 'fail' });
    const found: Figures[] = [];
    for (let seed = 1; seed <= (isRandom ? seeds : 1); seed++)
      found.push(await figuresOf((await applyTransforms(source, transforms(seed))).source));
    for (const figure of FIGURES) {
      const asked = wanted[figure];
      if (asked === undefined) continue;
      const mean = found.reduce((sum, each) => sum + each[figure], 0) / found.length;
      effects.push({
        name: `${trace}: ${name}`,
        figure,
        wanted: asked,
        found: mean,
        within: tolerance(figure, isRandom),
      });
    }
  }
  return effects;
}

const FIGURES = ['cv', 'idc1', 'idc10', 'idc60', 'reuse'] as const;

function tolerance(figure: Figure, isRandom: boolean): number {
  if (!isRandom) return 0.02;
  return figure.startsWith('idc') ? 0.25 : 0.05;
}

async function figuresOf(source: Source): Promise<Figures> {
  const dueUs: number[] = [];
  const prefix = new PrefixReuse(source.blockTokens ?? null);
  for await (const batch of source.open())
    for (const request of batch) {
      dueUs.push(request.dueUs);
      prefix.add(request);
    }
  const { iat_cv, idc } = arrivalStatistics(dueUs);
  return {
    cv: iat_cv ?? Number.NaN,
    idc1: idc['1s'] ?? Number.NaN,
    idc10: idc['10s'] ?? Number.NaN,
    idc60: idc['60s'] ?? Number.NaN,
    reuse: prefix.statistics()?.max_hit_ratio ?? Number.NaN,
  };
}

function fixed(trace: Case['trace'], name: string, wanted: Case['wanted'], transform: TransformSpec): Case {
  return { name, trace, isRandom: false, transforms: () => [transform], wanted };
}

function random(
  trace: Case['trace'],
  name: string,
  wanted: Case['wanted'],
  transform: (seed: number) => TransformSpec,
): Case {
  return { name, trace, isRandom: true, transforms: (seed) => [transform(seed)], wanted };
}

function twice(times: string, blocks: string): TransformSpec {
  return { op: 'copies', args: { copies: 2, seed: 1, times, blocks } };
}

function window(fromS: number, toS: number | null): TransformSpec {
  return { op: 'window', args: { from_us: fromS * 1e6, ...(toS === null ? {} : { to_us: toS * 1e6 }) } };
}
