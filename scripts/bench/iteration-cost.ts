// CPU of an iteration of the engine, in another checkout (with its node_modules) and in this one, by turns: a whole trace
// in memory and in virtual time, each run in a process of its own; user and system time, the second of two runs of each
// process, so that the code is compiled. Medians and their ratio; exits with 1 above the limit.
// Usage: node scripts/bench/iteration-cost.ts OLD_CHECKOUT [ROUNDS [SYSTEM_OLD [SYSTEM_NEW]]]
import { execFileSync } from 'node:child_process';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { z } from 'zod';
import type { VirtualClock } from '../../src/core/virtual-clock.ts';
import type { createEngine, parseEngineSpec } from '../../src/engine/index.ts';
import { cpuSince, readTrace } from './counted-simulation.ts';

/** Of new to old. */
const LIMIT = 1.1;
const TRACE = join(import.meta.dirname, '..', '..', '..', 'shared', 'traces', 'AzureLLMInferenceTrace_conv.csv');
const ONE = '--one';
const measured = z.object({ seconds: z.number(), iterations: z.number(), tokens: z.number() });

/** Of a checkout, whose modules are taken to be of the same shape as ours. */
function exported<F>(): z.ZodType<F> {
  return z.custom<F>((value) => typeof value === 'function');
}
const engineModule = z.object({
  createEngine: exported<typeof createEngine>(),
  parseEngineSpec: exported<typeof parseEngineSpec>(),
});
const clockModule = z.object({ VirtualClock: exported<typeof VirtualClock>() });

/** The CPU seconds of one replay by the engine of the checkout `root`. */
async function measure(root: string, system: string): Promise<z.infer<typeof measured>> {
  const engine = engineModule.parse(await import(pathToFileURL(join(root, 'src/engine/index.ts')).href));
  const clocks = clockModule.parse(await import(pathToFileURL(join(root, 'src/core/virtual-clock.ts')).href));
  const { requests } = await readTrace(TRACE);
  let result = { seconds: 0, iterations: 0, tokens: 0 };
  for (let run = 0; run < 2; run++) {
    const clock = new clocks.VirtualClock();
    const made = engine.createEngine(engine.parseEngineSpec(system), { clock });
    let tokens = 0;
    const listener = { tokens: (_at: number, count: number) => void (tokens += count), end: nothing, reject: nothing };
    for (const [i, { dueUs, inputTokens, outputTokens }] of requests.entries())
      clock.at(dueUs, () => {
        const lengths = { inputTokens, maxTokens: outputTokens, trueOutputTokens: outputTokens };
        made.submit({ id: String(i), content: null, ...lengths }, listener);
      });
    const begin = process.cpuUsage();
    await clock.run(() => false);
    result = { seconds: cpuSince(begin), iterations: made.load().iterations, tokens };
  }
  return result;
}

function nothing(): void {}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

function compare(old: string, rounds: number, systems: readonly [string, string]): void {
  const here = resolve(import.meta.dirname, '..', '..');
  const checkouts = [
    { name: 'old', root: resolve(old), system: systems[0], us: new Array<number>() },
    { name: 'new', root: here, system: systems[1], us: new Array<number>() },
  ];
  for (let round = 1; round <= rounds; round++)
    for (const { name, root, system, us } of checkouts) {
      const args = [import.meta.filename, ONE, root, system];
      const text = execFileSync(process.execPath, args, { cwd: root, encoding: 'utf8' });
      const { seconds, iterations, tokens } = measured.parse(JSON.parse(text));
      const each = (seconds * 1e6) / iterations;
      us.push(each);
      console.log(
        `round ${round}, ${name} ${system}: ${seconds.toFixed(3)} s, ${iterations} iterations, ${each.toFixed(3)} us each, ${tokens} tokens`,
      );
    }
  const [before = Number.NaN, after = Number.NaN] = checkouts.map(({ us }) => median(us));
  const ratio = after / before;
  console.log(
    `median ${before.toFixed(3)} us old, ${after.toFixed(3)} us new: ratio ${ratio.toFixed(3)}, at most ${LIMIT}`,
  );
  if (!(ratio <= LIMIT)) process.exitCode = 1;
}

const [first, ...rest] = process.argv.slice(2);
if (first === ONE) console.log(JSON.stringify(await measure(rest[0] ?? '', rest[1] ?? '')));
else {
  const [rounds = '5', oldSystem = 'vllm-v1', newSystem = oldSystem] = rest;
  if (first === undefined || !(Number(rounds) >= 1))
    throw new Error('usage: iteration-cost.ts OLD_CHECKOUT [ROUNDS [SYSTEM_OLD [SYSTEM_NEW]]]');
  compare(first, Number(rounds), [oldSystem, newSystem]);
}
