import type { Answer } from './answer.ts';
import { chunkGaps, meanGapUs, type Peer } from './peer.ts';

const OWN_TOKENS = 'it counts tokens with a tokenizer of its own, where these are the tokens of our records';

/** `vllm bench serve`. */
const vllm: Peer = {
  key: 'vllm',
  itlOf: 'gaps',
  chunks: 'of the role too',
  name: 'vLLM',
  percentiles: 'linear',
  latencies: (answer) => ({
    ttftUs: answer.firstUs,
    tpotUs: meanGapUs(answer.firstUs, answer.lastUs, answer.countedTokens ?? answer.tokens),
    e2eUs: answer.lastUs,
  }),
  itls: (answer, { isChat }, push) => {
    if (isChat) push(0);
    chunkGaps(answer, push);
  },
  goodput: { missing: 'met', duration: 'all', shareOf: null },
  notes: ({ isChat }) => [
    'ITL is a gap a chunk, however many tokens it holds',
    'E2E ends with the last chunk',
    'good: a single token meets TPOT; over the time of all requests',
    ...(isChat
      ? [
          'its first token is the chunk with the role, which our records do not keep: it is taken to come with the first token, as vLLM sends it (one gap of 0 a request). Where a server sends it earlier, TTFT is shorter than here and the first gap as much longer',
        ]
      : []),
  ],
};

/** AIPerf. */
const aiperf: Peer = {
  key: 'aiperf',
  itlOf: 'answers',
  chunks: null,
  name: 'AIPerf',
  percentiles: 'linear',
  latencies: (answer) => ({ ttftUs: answer.firstUs, tpotUs: aiperfItlUs(answer), e2eUs: answer.lastUs }),
  itls: (answer, _context, push) => {
    const itl = aiperfItlUs(answer);
    if (itl !== null) push(itl);
  },
  goodput: { missing: 'missed', duration: 'answered', shareOf: null },
  notes: ({ isVirtual }) => [
    'ITL is one mean a request, (latency - TTFT) / (tokens - 1), which others call TPOT',
    'E2E ends with the last token',
    'good: a request of one token has no ITL and is not good where TPOT has a limit; over the time of answered requests',
    ...(isVirtual ? [] : [OWN_TOKENS]),
  ],
};

function aiperfItlUs({ firstUs, lastUs, tokens }: Answer): number | null {
  return meanGapUs(firstUs, lastUs, tokens);
}

/** GuideLLM. */
const guidellm: Peer = {
  key: 'guidellm',
  itlOf: 'answers',
  chunks: null,
  name: 'GuideLLM',
  percentiles: 'weighted',
  latencies: (answer) => ({
    ttftUs: answer.firstUs,
    tpotUs: answer.lastUs / guidellmTokens(answer),
    e2eUs: answer.endUs,
  }),
  itls: (answer, _context, push) => {
    const itl = guidellmItlUs(answer);
    if (itl !== null) push(itl, guidellmTokens(answer) - 1);
  },
  tpotWeight: guidellmTokens,
  judgedTpotUs: guidellmItlUs,
  goodput: { missing: 'left out', duration: 'all', shareOf: 'all' },
  notes: () => [
    'ITL is one mean a request, weighted by its gaps',
    'TPOT is E2E to the last token over all tokens, TTFT included (before 0.4 it was not), weighted by them',
    'percentiles by nearest rank',
    'good: a request of one token is left out where TPOT has a limit, which is held against ITL; a failed one is not good',
    'where the server counts no tokens it takes one a chunk',
  ],
};

function guidellmTokens({ countedTokens, chunks }: Answer): number {
  return countedTokens ?? chunks.timesUs.length;
}

function guidellmItlUs(answer: Answer): number | null {
  return meanGapUs(answer.firstUs, answer.lastUs, guidellmTokens(answer));
}

/** inference-perf. */
const inferencePerf: Peer = {
  key: 'inference-perf',
  itlOf: 'gaps',
  chunks: null,
  name: 'inference-perf',
  percentiles: 'linear',
  latencies: (answer) => ({
    ttftUs: answer.tokens > 1 ? answer.firstUs : null,
    tpotUs: meanGapUs(answer.firstUs, answer.lastUs, answer.tokens),
    e2eUs: answer.endUs,
  }),
  itls: ({ chunks }, _context, push) => {
    for (let i = 0; i < chunks.timesUs.length; i++) {
      if (i > 0) push((chunks.timesUs[i] ?? 0) - (chunks.timesUs[i - 1] ?? 0));
      for (let token = 1; token < (chunks.tokens[i] ?? 0); token++) push(0);
    }
  },
  goodput: { missing: 'missed', duration: 'answered', shareOf: 'answered' },
  notes: ({ isVirtual }) => [
    'a request of one token has no TTFT, and is never good where TTFT or TPOT has a limit',
    'good: share and time are those of answered requests',
    ...(isVirtual ? [] : [OWN_TOKENS]),
  ],
};

const NEW_CONNECTION =
  'it connects anew for each request, inside TTFT, which here is so only for requests that opened a connection (--connections per-request)';

/** `sglang.bench_serving` against an OpenAI-compatible endpoint. */
const sglang: Peer = {
  key: 'sglang',
  itlOf: 'gaps',
  chunks: 'of tokens',
  name: 'SGLang',
  percentiles: 'linear',
  latencies: (answer) => ({
    ttftUs: answer.firstUs,
    tpotUs: meanGapUs(answer.firstUs, answer.endUs, answer.countedTokens ?? answer.askedTokens ?? answer.tokens),
    e2eUs: answer.endUs,
  }),
  itls: (answer, _context, push) => chunkGaps(answer, push),
  goodput: { missing: 'met', duration: 'all', shareOf: 'all' },
  notes: ({ isVirtual }) => [
    'ITL is a gap a chunk',
    'TPOT and E2E end with the last byte',
    'where the server counts no tokens it takes as many as were asked for',
    'good: a single token meets TPOT; of all requests',
    ...(isVirtual ? [] : [NEW_CONNECTION]),
  ],
};

/** The same against SGLang's own endpoint. */
const sglangNative: Peer = {
  ...sglang,
  key: 'sglang-native',
  name: 'SGLang /generate',
  itls: ({ chunks }, _context, push) => {
    for (let i = 1; i < chunks.timesUs.length; i++) {
      const tokens = chunks.tokens[i] ?? 1;
      const gap = ((chunks.timesUs[i] ?? 0) - (chunks.timesUs[i - 1] ?? 0)) / tokens;
      for (let token = 0; token < tokens; token++) push(gap);
    }
  },
  notes: () => ['as SGLang, but the gap before a chunk is shared out evenly among its tokens'],
};

/** The columns of each name that `--as` takes; MLPerf has a verdict and no figures of its own. */
export const PEERS = {
  vllm: [vllm],
  aiperf: [aiperf],
  guidellm: [guidellm],
  'inference-perf': [inferencePerf],
  sglang: [sglang, sglangNative],
  mlperf: [],
} as const satisfies Record<string, readonly Peer[]>;
export type PeerName = keyof typeof PEERS;
