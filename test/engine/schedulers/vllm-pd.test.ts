import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { it } from 'node:test';
import { VirtualClock } from '../../../src/core/virtual-clock.ts';
import { createEngine, parseEngineSpec } from '../../../src/engine/index.ts';
import { logIterations } from '../../../src/engine/instance/iteration-log.ts';
import { shared } from '../../shared.ts';
import { RecordingListener } from '../small-engine.ts';

/** A run of the decode side: who decodes in each step from the first decode on, and who arrives in which step. */
interface DecodeSide {
  readonly name: string;
  readonly async: 'on' | 'off';
  readonly maxSeqs: number;
  readonly arrives: { readonly id: string; readonly step: number };
  /** Steps without a token come before it. */
  readonly firstStep: number;
  readonly decodes: readonly (readonly string[])[];
}

const HEADING = /^== (.+?)( (?:a)?synchronous)$/;
const STEP = /^ +step (\d+) \{(.*)\} loads/;
/** Three blocks of 16, as in the logs: the fourth is taken with the tenth token. */
const PROMPT_TOKENS = 40;

function readRuns(path: string): DecodeSide[] {
  return readFileSync(path, 'utf8')
    .split(/^(?=== )/m)
    .filter((text) => text !== '')
    .map(readRun);
}

function readRun(text: string): DecodeSide {
  const lines = text.trimEnd().split('\n');
  const [, name = '', mode = ''] = HEADING.exec(lines[0] ?? '') ?? assert.fail(text);
  const [, id = '', step = ''] = /(r\d) arrives during step (\d+)/.exec(name) ?? assert.fail(name);
  const steps = lines.slice(1).map((line) => {
    const [, number, running = ''] = STEP.exec(line) ?? assert.fail(line);
    return { number: Number(number), decodes: [...running.matchAll(/r\d/g)].map(([one]) => one) };
  });
  const firstStep = steps.find(({ decodes }) => decodes.length > 0)?.number ?? assert.fail(name);
  return {
    name: `${name}${mode}`,
    async: mode === ' asynchronous' ? 'on' : 'off',
    maxSeqs: name.includes('two places') ? 2 : 256,
    arrives: { id, step: Number(step) },
    firstStep,
    decodes: steps.map(({ decodes }) => decodes).filter((one) => one.length > 0),
  };
}

/** Who decodes in each iteration of ours: prompts are held where they were computed, and fetched when they arrive. */
async function decodesOfOurs({ async, maxSeqs, arrives, firstStep, decodes }: DecodeSide): Promise<string[][]> {
  const clock = new VirtualClock();
  const steps: string[][] = [];
  const ids = [...new Set(decodes.flat())];
  const keys = new Map<string, string>();
  const onIteration = logIterations(({ instance, begin_us, stage_us, prefill, decode }) => {
    if (instance !== 'decode-0') return;
    assert.deepEqual(prefill, []);
    if (steps.length === arrives.step - firstStep) clock.at(begin_us + stage_us / 2, () => fetch(arrives.id));
    steps.push([...decode]);
  });
  const spec = `vllm-pd,version=0.32,async=${async},max_seqs=${maxSeqs},kv_tokens=1600,link=1000000gbps`;
  const { pd } = createEngine(parseEngineSpec(spec), { clock, onIteration });
  assert.ok(pd !== undefined);
  const request = (id: string) => ({
    id,
    inputTokens: PROMPT_TOKENS,
    content: null,
    maxTokens: decodes.filter((one) => one.includes(id)).length,
    trueOutputTokens: decodes.filter((one) => one.includes(id)).length,
  });
  const fetch = (id: string): void => {
    pd.decode.fetch(keys.get(id) ?? '', request(id), new RecordingListener());
  };
  for (const id of ids) keys.set(id, pd.prefill.hold(request(id), new RecordingListener()).key);
  clock.at(1e6, () => {
    for (const id of ids) if (id !== arrives.id) fetch(id);
  });
  await clock.run(() => false);
  return steps;
}

const { path, skip } = shared('oracles/schedulers/vllm-pd-0.32-decode-side.txt');
it('prompts that come with their KV memory decode in the steps of vLLM 0.32', { skip }, async () => {
  const runs = readRuns(path);
  assert.equal(runs.length, 4);
  for (const run of runs) assert.deepEqual(await decodesOfOurs(run), run.decodes, run.name);
});
