// Forty nights of `reprise nightly` in virtual time, of an engine whose times are all 5 % longer from night 30 on: when the
// trend raises it, and its page. Three minutes of one core, six by the goodput of each night.
// Usage: node scripts/validate/forty-nights.ts [FOLDER] [--nights 40] [--from 30] [--slower 0.05] [--goodput]
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { SILENT } from '../../src/core/log.ts';
import { defineRun } from '../../src/run/run-options.ts';
import { runOnce, type RunHooks } from '../../src/run/run.ts';
import { searchGoodput } from '../../src/search/goodput/goodput.ts';
import { defineGoodput } from '../../src/search/goodput/options.ts';
import { writeTrend } from '../../src/search/nightly/files.ts';
import { nightly, type NightResult } from '../../src/search/nightly/nightly.ts';
import { ofGoodput } from '../../src/search/nightly/of-goodput.ts';
import { ofRun } from '../../src/search/nightly/of-run.ts';
import { trendVerdict } from '../../reports/index.ts';
import { simulatedTimes } from '../../src/search/simulated-times.ts';

const SYSTEM = 'vllm-v1,model=llama-3.1-8b,gpu=h100-sxm';
/** Deviation of the logarithm of the factor on all times of a night, and of that of an iteration. */
const RUN_NOISE = 0.01;
const NOISE = 0.03;
const DAY_MS = 86_400_000;

export interface FortyNights {
  readonly nights: number;
  /** From this night on, from 1, every time of the engine is longer by `slower`. */
  readonly from: number;
  readonly slower: number;
  /** A night is a search for the goodput rather than a run. */
  readonly isGoodput?: boolean;
}

/** The nights in a new folder, one after another; the last has the whole trend. */
export async function fortyNights(
  dir: string,
  { nights, from, slower, isGoodput = false }: FortyNights,
): Promise<NightResult[]> {
  const results: NightResult[] = [];
  for (let night = 1; night <= nights; night++) {
    const target = await targetOf(night, night >= from ? slower : 0);
    const nowIso = (): string => new Date(Date.UTC(2026, 8, 1, 2) + (night - 1) * DAY_MS).toISOString();
    const options = {
      workload: 'chat',
      target: `reference:${target}`,
      clock: 'virtual',
      slo: 'ttft=250ms,tpot=20ms',
    } as const;
    const result = await nightly(
      {
        dir,
        branch: 'main',
        defaultBranch: null,
        commit: `${(0x5eed00 + 4099 * night).toString(16)}${'0'.repeat(34)}`,
        measure: isGoodput
          ? ofGoodput(defineGoodput({ ...options, precision: '1%', keep: 'none', out: '.' }, null, ''), (search) =>
              searchGoodput(search, { ...hooksAt(nowIso), ...SILENT_SEARCH }),
            )
          : ofRun(defineRun({ ...options, rate: 12 }), (spec) => runOnce(spec, hooksAt(nowIso))),
        margin: 0.02,
        gates: [{ text: 'default', name: null, limit: 0 }],
      },
      { nowIso, say: () => undefined },
    );
    results.push(result);
  }
  const last = results.at(-1);
  if (last !== undefined) await writeTrend(last.folder, last.trend);
  return results;
}

const NEVER = new AbortController().signal;
const SILENT_SEARCH = { probing: () => undefined, probed: () => undefined, timeOver: NEVER };

function hooksAt(nowIso: () => string): RunHooks {
  return { nowIso, newSalt: () => '', log: SILENT, started: () => undefined, stop: NEVER, cut: NEVER };
}

/**
 * The engine of a night. `run_noise` is one factor on all of its times, drawn by `seed`: to be slower it takes another
 * seed, and as much noise as makes that seed's factor the night's own times 1 + `slower`.
 */
async function targetOf(night: number, slower: number): Promise<string> {
  if (slower === 0) return `${SYSTEM},noise=${NOISE},run_noise=${RUN_NOISE},seed=${night}`;
  const wanted = RUN_NOISE * (await drawOf(night)) - RUN_NOISE ** 2 / 2 + Math.log1p(slower);
  for (let seed = 1000 * night; ; seed++) {
    const draw = await drawOf(seed);
    // With less of a draw the noise would be large.
    if (draw < 1) continue;
    const noise = draw - Math.sqrt(draw ** 2 - 2 * wanted);
    return `${SYSTEM},noise=${NOISE},run_noise=${noise},seed=${seed}`;
  }
}

const REQUEST = [{ id: 'one', dueUs: 0, inputTokens: 100, outputTokens: 10 }];

/** The standard normal draw of a seed: the logarithm of its factor on all times is noise x draw - noise^2 / 2. */
async function drawOf(seed: number): Promise<number> {
  const noise = 0.1;
  const [plain, noisy] = [
    await simulatedTimes(SYSTEM, REQUEST),
    await simulatedTimes(`${SYSTEM},run_noise=${noise},seed=${seed}`, REQUEST),
  ];
  return Math.log((noisy[0]?.lastUs ?? 1) / (plain[0]?.lastUs ?? 1)) / noise + noise / 2;
}

if (import.meta.main) {
  const { values, positionals } = parseArgs({
    options: {
      nights: { type: 'string', default: '40' },
      from: { type: 'string', default: '30' },
      slower: { type: 'string', default: '0.05' },
      goodput: { type: 'boolean', default: false },
    },
    allowPositionals: true,
  });
  const dir = positionals[0] ?? mkdtempSync(join(tmpdir(), 'reprise-nights-'));
  const results = await fortyNights(dir, {
    nights: Number(values.nights),
    from: Number(values.from),
    slower: Number(values.slower),
    isGoodput: values.goodput,
  });
  console.log('| night | alone, against the accepted | gate default | raised |\n| --- | --- | --- | --- |');
  for (const [i, { night, gates }] of results.entries()) {
    const raised = night.alarms.map(({ name, change }) => `${name} ${((change ?? 0) * 100).toFixed(1)} %`).join(', ');
    console.log(`| ${i + 1} | ${night.verdict ?? '-'} | ${gates[0]?.verdict ?? '-'} | ${raised} |`);
  }
  const last = results.at(-1);
  if (last !== undefined)
    console.log(`\n${trendVerdict(last.trend).sentence}\ntrend: ${join(last.folder, 'trend.html')}`);
}
