import { writeFileSync } from 'node:fs';
import { UserError } from '../../src/core/errors.ts';
import type { Request } from '../../src/core/request.ts';
import { openSource } from '../../workloads/index.ts';

/** A sound trace of sessions, of a format whose rows are not one request each, or not by themselves. */
interface SessionSample {
  readonly name: string;
  readonly head: string | null;
  readonly rows: readonly string[];
  /** Some rows are events, and several are one answer: not each is told of. */
  readonly hasOthers?: true;
}

const ROWS = 6;
const sample = (name: string, row: (i: number) => unknown, head: string | null = null): SessionSample => ({
  name,
  head,
  rows: Array.from({ length: ROWS }, (_, i) => {
    const made = row(i);
    return typeof made === 'string' ? made : JSON.stringify(made);
  }),
});
const ids = (tokens: number, size: number): number[] =>
  Array.from({ length: Math.ceil(tokens / size) }, (_, id) => id * 7);
const second = (s: number): string => new Date(Date.UTC(2026, 0, 5, 10, 0, s)).toISOString();
const call = (t: number, more: object = {}): object => ({
  t,
  type: 's',
  model: 'm',
  in: 200,
  out: 5,
  hash_ids: [1, 2, 3],
  api_time: 1.5,
  ...more,
});

export const SESSION_SAMPLES: readonly SessionSample[] = [
  sample('weka', (i) => ({
    id: `c${i}`,
    block_size: 64,
    requests: [
      call(0.5),
      { t: 3, type: 'subagent', agent_id: 'x', duration_ms: 4000, status: 'completed', requests: [call(3.5), call(5)] },
      call(9 + i, { think_time: 1 }),
    ],
  })),
  sample('tracelab', (i) => ({
    session_id: `claude:${i % 2}`,
    round_index: i,
    input_tokens_total: 300 + i,
    prefix_tokens: 200,
    newly_append_tokens: 100 + i,
    output_tokens: 5,
    timing_events: [
      { event_type: 'user_message', timestamp: second(i) },
      { event_type: 'text', timestamp: second(i + 1) },
    ],
  })),
  sample(
    'tracelab-csv',
    (i) => `s${i % 2},${i + 20},${i + 1},${i * 100}.500000,${i},20.25,${i * 30}`,
    'id,input_len,output_len,arrival_time,round_idx,tool_wait_after_ms,prefix_len',
  ),
  sample(
    'bidaw',
    (i) => `${i % 2} ${100 + i * 10} ${i + 20} ${i + 5} ${i}`,
    'user_id time_stamp(seconds) query_length response_length round_index',
  ),
  sample('bailian', (i) => ({
    chat_id: i,
    parent_chat_id: i < 2 ? -1 : i - 2,
    timestamp: i * 1.25,
    input_length: 40 + i,
    output_length: i + 1,
    type: 'text',
    turn: 1,
    hash_ids: ids(40 + i, 16),
  })),
  sample('ragpulse', (i) => ({
    timestamp: `${i}`,
    input_length: i + 40,
    output_length: 5,
    hash_ids: { sys_prompt: [1], passages_ids: [], history: [], web_search: [], user_input: [2] },
    session_id: 's',
  })),
  sample('mooncake-sessions', (i) => ({
    session_id: `${i % 2}`,
    ...(i < 2 ? { timestamp: i * 100 } : { delay: i + 0.5 }),
    input_length: 40 + i,
    output_length: 3,
    hash_ids: ids(40 + i, 16),
  })),
  sample('mooncake-agentic', (i) => ({
    request_id: `r${i}`,
    session_id: 's',
    ...(i === 0 ? { timestamp: 5 } : { wait_for: [`r${i - 1}`], delay: 2, tool_wait_ms: 3 }),
    input_length: 40 + i,
    output_length: 3,
    hash_ids: [1],
  })),
  sample(
    'mooncake-agentic-2',
    (i) => ({
      request_id: `r${i}`,
      play_id: `p${i % 2}`,
      session_id: 's',
      model: 'm',
      input_length: 40 + i,
      output_length: 3,
      hash_ids: [1],
      not_before_ms: 10 * i,
      ...(i === 0
        ? {}
        : {
            dependencies: [
              {
                request_id: `r${i - 1}`,
                trigger: i === 3 ? 'dispatch' : 'completion',
                delay_ms: 2.5,
                relation: 'spawn',
              },
            ],
          }),
    }),
    '{"schema":"dynamo.agentic_mooncake","version":2,"block_size":64,"hash_id_scope":"local"}',
  ),
  sample('atif', (i) => ({
    schema_version: 'ATIF-v1.7',
    trajectory_id: `t${i}`,
    agent: { name: 'a', version: '1', model_name: 'm' },
    steps: [
      { step_id: 1, source: 'user', message: 'abcd' },
      { step_id: 2, source: 'agent', timestamp: second(i), metrics: { prompt_tokens: 90, completion_tokens: 5 } },
      { step_id: 3, source: 'agent', timestamp: second(i + 3), message: 'done', llm_call_count: 1 },
    ],
  })),
  sample('applied-compute', (i) => ({
    num_turns: 1,
    input_prompt_length: 40 + i,
    assistant_response_length: [12],
    tool_call_output_length: [30],
    tool_call_latency: [1.4],
    final_assistant_response_length: 6,
  })),
  sample('rollouts', (i) => ({ group: i >> 1, stream: i % 2, prompt_len: 70, out_lens: [39, 6], obs_lens: [23, 9] })),
  sample('sglang-agentic', () => ({
    metadata: {},
    conversations: [[{ messages: [{ role: 'user', content: 'abcd' }], prompt_tokens: 20 }]],
  })),
  {
    ...sample('claude-code', (i) => ({
      type: i % 2 === 0 ? 'user' : 'assistant',
      sessionId: 's',
      isSidechain: false,
      uuid: `u${i}`,
      timestamp: second(i),
      message: { id: `m${i}`, model: 'm', usage: { input_tokens: 40 + i, output_tokens: 3 } },
    })),
    hasOthers: true,
  },
  sample('aiperf-dag', (i) => ({
    session_id: `s${i}`,
    turns: [
      { messages: [{ role: 'user', content: 'abcd' }], max_tokens: 5, spawns: i % 3 === 0 ? [`s${i + 1}`] : [] },
      {
        messages: [{ role: 'user', content: 'efgh' }],
        max_tokens: 3,
        delay: 2.5,
        forks: i % 3 === 1 ? [`s${i + 1}`] : [],
      },
    ],
  })),
  sample('aiperf', (i) => ({
    session_id: `s${i}`,
    turns: [
      { text: 'abcd', timestamp: i * 100, output_length: 4 },
      { text: 'efgh', delay: 2.5, output_length: 4 },
    ],
  })),
];

/**
 * Reads a mutated file: null where every request that comes out can be replayed, no two have one id, and every line became
 * one, is named or is counted; what is wrong otherwise.
 */
export async function misreadSessions(
  { head, hasOthers }: SessionSample,
  bytes: Buffer,
  path: string,
): Promise<string | null> {
  writeFileSync(path, bytes);
  const found: Request[] = [];
  const told = new Set<number>();
  try {
    const source = await openSource(path, {
      onBadRow: 'skip',
      onSkipped: ({ line }) => told.add(line),
      onLeftOut: ({ line }) => told.add(line),
    });
    const size = source.blockTokens;
    for await (const batch of source.open()) found.push(...batch);
    const wrong = found.find((request) => !isSound(request, size));
    if (wrong !== undefined) return `a request that cannot be: ${JSON.stringify(wrong)}`;
  } catch (thrown) {
    if (!(thrown instanceof UserError)) return `a fault: ${String(thrown)}`;
    return thrown.message.includes(path) ? null : `an error that does not name the file: ${thrown.message}`;
  }
  if (new Set(found.map(({ id }) => id)).size < found.length) return 'two requests have one id';
  // Of packed files, quotes over lines and objects over lines, lines are not those of the bytes.
  const text = bytes.toString();
  const [first = ''] = text
    .replace(/^\uFEFF/, '')
    .trimStart()
    .split('\n');
  if (hasOthers === true || (head === null ? !isJson(first) : head.includes(','))) return null;
  for (const { traceRow } of found) told.add(traceRow);
  const lines = text.split('\n');
  const silent = lines.findIndex(
    (line, i) => !told.has(i + 1) && /"(?:out|output_length|output_tokens)":[1-9]/.test(line),
  );
  return silent === -1 ? null : `line ${silent + 1} was dropped without a word: ${lines[silent]}`;
}

const isLength = (tokens: number): boolean => Number.isInteger(tokens) && tokens >= 1 && tokens <= 10_000_000;

function isSound(request: Request, blockTokens: number | undefined): boolean {
  const { dueUs, inputTokens, outputTokens, newTokens, turn, blocks, after, source } = request;
  return (
    Number.isSafeInteger(dueUs) &&
    isLength(inputTokens) &&
    isLength(outputTokens) &&
    (newTokens === undefined || (isLength(newTokens) && newTokens <= inputTokens)) &&
    (turn === undefined || (Number.isInteger(turn) && turn >= 0)) &&
    (blocks === undefined ||
      (blocks.length > 0 &&
        blocks.length <= Math.ceil(inputTokens / (blockTokens ?? 1)) &&
        blocks.every(Number.isSafeInteger))) &&
    (after ?? []).every(({ thinkUs }) => Number.isSafeInteger(thinkUs) && thinkUs >= 0) &&
    [source?.e2eUs ?? 0, source?.ttftUs ?? 0, source?.cachedTokens ?? 0].every((n) => Number.isSafeInteger(n) && n >= 0)
  );
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
