// What simulating costs by itself: the requests of a trace, read beforehand, against an engine in virtual time, with a sink
// that only counts. Usage: node scripts/bench/simulation-cost.ts [TRACE [SYSTEM[,key=value...]]]
import { join } from 'node:path';
import { countedSimulation, cpuSince, readTrace } from './counted-simulation.ts';

const [
  path = join(import.meta.dirname, '..', '..', '..', 'shared', 'traces', 'AzureLLMInferenceTrace_conv.csv'),
  system = 'vllm-v1,model=llama-3.1-8b,gpu=h100-sxm',
] = process.argv.slice(2);
const ROUNDS = 5;

const trace = await readTrace(path);
for (let round = 0; round < ROUNDS; round++) {
  const begin = process.cpuUsage();
  const { tokens, refused } = await countedSimulation(system, trace);
  const seconds = cpuSince(begin);
  const cost = ((seconds * 1e9) / tokens).toFixed(0);
  const warmth = round === 0 ? 'cold' : 'warm';
  console.log(
    `${system}: ${trace.requests.length} requests (${refused} refused), ${tokens} tokens, ${warmth}: ${seconds.toFixed(3)} s of CPU, ${cost} ns a token`,
  );
}
