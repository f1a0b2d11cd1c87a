// What simulating costs by itself: the requests of a trace, read beforehand, through an engine in virtual time, with a
// listener that only counts. Usage: node scripts/bench/simulation.ts [TRACE [SYSTEM[,key=value...]]]
import { join } from 'node:path';
import type { Request } from '../../src/core/request.ts';
import { VirtualClock } from '../../src/core/virtual-clock.ts';
import { createEngine, parseEngineSpec } from '../../src/engine/index.ts';
import { openSource } from '../../workloads/index.ts';

const [
  trace = join(import.meta.dirname, '..', '..', '..', 'shared', 'traces', 'AzureLLMInferenceTrace_conv.csv'),
  system = 'vllm-v1,model=llama-3.1-8b,gpu=h100-sxm',
] = process.argv.slice(2);
const ROUNDS = 5;

const source = await openSource(trace, { onBadRow: 'fail', onSkipped: () => undefined });
const requests: Request[] = [];
for await (const batch of source.open()) requests.push(...batch);

for (let round = 0; round < ROUNDS; round++) {
  const begin = process.cpuUsage();
  const { tokens, refused } = await simulate();
  const { user, system: kernel } = process.cpuUsage(begin);
  const seconds = (user + kernel) / 1e6;
  const cost = ((seconds * 1e9) / tokens).toFixed(0);
  const warmth = round === 0 ? 'cold' : 'warm';
  console.log(
    `${system}: ${requests.length} requests (${refused} refused), ${tokens} tokens, ${warmth}: ${seconds.toFixed(3)} s of CPU, ${cost} ns a token`,
  );
}

async function simulate(): Promise<{ tokens: number; refused: number }> {
  const clock = new VirtualClock();
  const engine = createEngine(parseEngineSpec(system), { clock });
  let tokens = 0;
  let refused = 0;
  const listener = {
    tokens: (_timeUs: number, count: number) => (tokens += count),
    end: () => undefined,
    reject: () => refused++,
  };
  let next = 0;
  const send = (): void => {
    const request = requests[next++];
    if (request === undefined) return;
    const { id, inputTokens, outputTokens, blocks } = request;
    const content =
      blocks === undefined || source.blockTokens === undefined
        ? null
        : { pieces: blocks, pieceTokens: source.blockTokens };
    engine.submit({ id, inputTokens, content, maxTokens: outputTokens, stopAfter: outputTokens }, listener);
    const following = requests[next];
    if (following !== undefined) clock.at(following.dueUs, send);
  };
  clock.at(requests[0]?.dueUs ?? 0, send);
  await clock.run(() => false);
  return { tokens, refused };
}
