// Prompts of 1,000 tokens a second of CPU, as token ids and as text, in blocks of 16 of which a third are shared, and the
// bodies of requests with them. The limit, in the same rounds: the bytes of each body copied from one that was made.
// Usage: node scripts/bench/prompts.ts [PROMPTS [ROUNDS]]
import { makeCodec } from '../../adapters/index.ts';
import type { Request } from '../../src/core/request.ts';
import { promptMaker } from '../../workloads/index.ts';

const [prompts = 4000, rounds = 5] = process.argv.slice(2).map(Number);
const TOKENS = 1000;
const BLOCK_TOKENS = 16;
const BLOCKS = Math.ceil(TOKENS / BLOCK_TOKENS);
const SHARED_BLOCKS = Math.round(BLOCKS / 3);
const GROUPS = 50;

const maker = promptMaker({ seed: 1, salt: 'bench', blockTokens: BLOCK_TOKENS });
const options = { baseUrl: 'http://localhost', model: 'model', headers: {}, runId: 'bench' };
const bodies = {
  ids: makeCodec('vllm', { ...options, endpoint: 'completions' }, maker),
  text: makeCodec('vllm', { ...options, endpoint: 'chat' }, maker),
};

let used = 0;
for (const kind of ['ids', 'text'] as const) {
  const body = (request: Request): Uint8Array => bodies[kind].open(request)[0]?.body ?? new Uint8Array();
  const made = Array.from({ length: 100 }, (_, seq) => body(requestOf(seq)));
  const cases: Readonly<Record<string, (request: Request, seq: number) => { readonly length: number }>> = {
    [`prompts as ${kind}`]: (request) => maker[kind](request),
    [`bodies with ${kind}`]: body,
    [`copies of bodies with ${kind}`]: (_, seq) => Uint8Array.from(made[seq % made.length] ?? []),
  };
  const rates = new Map(Object.keys(cases).map((name) => [name, [] as number[]]));
  for (let round = 0; round < rounds; round++)
    for (const [name, make] of Object.entries(cases)) {
      const requests = Array.from({ length: prompts }, (_, i) => requestOf(round * prompts + i));
      const before = process.cpuUsage();
      for (const [seq, request] of requests.entries()) used += make(request, seq).length;
      const { user, system } = process.cpuUsage(before);
      rates.get(name)?.push(prompts / ((user + system) / 1e6));
    }
  for (const [name, all] of rates) {
    const [least = 0, median = 0] = [0, Math.floor(rounds / 2)].map((i) => all.toSorted((a, b) => a - b)[i]);
    console.log(`${name}: ${Math.round(median)}/s of CPU (least ${Math.round(least)} of ${rounds} rounds)`);
  }
}
if (used === 0) throw new Error('nothing was made');

function requestOf(seq: number): Request {
  const group = seq % GROUPS;
  const blocks = Array.from({ length: BLOCKS }, (_, i) =>
    i < SHARED_BLOCKS ? group * SHARED_BLOCKS + i : GROUPS * SHARED_BLOCKS + seq * BLOCKS + i,
  );
  return { id: `r${seq}`, traceRow: seq + 2, dueUs: seq, inputTokens: TOKENS, outputTokens: 1, blocks };
}
