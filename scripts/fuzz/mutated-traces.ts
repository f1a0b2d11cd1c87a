import { writeFileSync } from 'node:fs';
import { gunzipSync, gzipSync } from 'node:zlib';
import { UserError } from '../../src/core/errors.ts';
import type { Request } from '../../src/core/request.ts';
import { randomStream, uniform, type Random } from '../../src/core/random.ts';
import { openSource } from '../../workloads/index.ts';
import { strictCells, strictCsvRow, strictJsonRow, type StrictRow } from './strict-reader.ts';

/** A sound trace of a format, and how the strict reader reads its rows. */
interface Sample {
  readonly name: string;
  readonly head: string | null;
  readonly rows: readonly string[];
  /**
   * A row by the strict reader; null for formats whose rows nest: what comes out of them has to be a request, whichever.
   */
  readonly read: ((line: string) => StrictRow | null) | null;
  /** Due times count from the first row. */
  readonly isRelative: boolean;
}

const ROWS = 8;
const rowsOf = (row: (i: number) => string): string[] => Array.from({ length: ROWS }, (_, i) => row(i));
const csv = (
  name: string,
  head: string,
  at: readonly [number, number, number],
  row: (i: number) => string,
): Sample => ({
  name,
  head,
  rows: rowsOf(row),
  read: (line) => strictCsvRow(line, head.split(',').length, at),
  isRelative: true,
});
const idsOf = (tokens: number): string => Array.from({ length: Math.ceil(tokens / 512) }, (_, id) => id * 7).join(',');
const two = (i: number): string => String(i + 10);
const MOONCAKE = ['timestamp', 'input_length', 'output_length'] as const;

const ALL: readonly Sample[] = [
  {
    name: 'rtrace',
    head: '{"reprise_trace":1,"block_size":512}',
    rows: rowsOf(
      (i) =>
        `{"id":"a${i}","t_us":${i * 250_001},"input_tokens":${i * 100 + 1},"output_tokens":${i + 1},"blocks":[${idsOf(i * 100 + 1)}],"session":"s","turn":${i}}`,
    ),
    read: (line) => strictJsonRow(line, ['t_us', 'input_tokens', 'output_tokens'], 1n),
    isRelative: false,
  },
  {
    name: 'mooncake',
    head: null,
    rows: rowsOf(
      (i) =>
        `{"timestamp": ${i * 3000}, "input_length": ${i * 300 + 1}, "output_length": ${i + 1}, "hash_ids": [${idsOf(i * 300 + 1)}]}`,
    ),
    read: (line) => strictJsonRow(line, MOONCAKE, 1000n),
    isRelative: true,
  },
  {
    name: 'mooncake-lengths',
    head: null,
    rows: rowsOf((i) => `{"timestamp": ${i * 30}.5, "input_length": ${i + 1}, "output_length": ${i + 1}}`),
    read: (line) => strictJsonRow(line, MOONCAKE, 1000n),
    isRelative: true,
  },
  csv(
    'azure-2023',
    'TIMESTAMP,ContextTokens,GeneratedTokens',
    [0, 1, 2],
    (i) => `2023-11-16 18:${two(i)}:46.6805900,${i + 374},44`,
  ),
  csv(
    'azure-2024',
    'TIMESTAMP,ContextTokens,GeneratedTokens',
    [0, 1, 2],
    (i) => `2024-05-12 00:${two(i)}:00.001163+00:00,${i + 1452},3`,
  ),
  csv('csv', 'arrival_s,input_tokens,output_tokens', [0, 1, 2], (i) => `${i}.250001,${i + 10},"${i + 5}"`),
  csv(
    'azure-2025',
    'TIMESTAMP,NumImages,ContextTokens,GeneratedTokens',
    [0, 2, 3],
    (i) => `2024-10-15 00:${two(i)}:00.0000000,${i},${i + 900},120`,
  ),
  csv(
    'burstgpt-v1',
    'Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type',
    [0, 2, 3],
    (i) => `${i * 5},ChatGPT,${i + 472},${i + 18},490,"API, log"`,
  ),
  csv(
    'burstgpt-v2',
    'Timestamp,Session ID,Elapsed time,Model,Request tokens,Response tokens,Total tokens,Log Type',
    [0, 4, 5],
    (i) => `${i * 5}.0,s${i % 3},4,GPT-4,${i + 472},${i + 18},490,Conversation log`,
  ),
  csv('vidur', 'arrived_at,num_prefill_tokens,num_decode_tokens', [0, 1, 2], (i) => `${i}.25,${i + 3},${i + 1}`),
  csv(
    'splitwise-sim',
    'request_id,request_type,application_id,arrival_timestamp,batch_size,prompt_size,token_size',
    [3, 5, 6],
    (i) => `${i},2,0,${i}.5,1,${i + 4096},32`,
  ),
  csv('guidellm', 'timestamp,input_length,output_length', [0, 1, 2], (i) => `${i}.125,${i + 10},${i + 3}`),
  csv(
    'litellm',
    'call_type,request_id,startTime,prompt_tokens,completion_tokens,status',
    [2, 3, 4],
    (i) => `acompletion,q${i},2026-01-05T10:${two(i)}:00.250,${i + 9},${i + 3},success`,
  ),
  csv(
    'a log of dates',
    'model,startTime,prompt_tokens,completion_tokens',
    [1, 2, 3],
    (i) => `m,2026-01-05T10:${two(i)}:00.250Z,${i + 9},${i + 3}`,
  ),
  ...nested(),
  csv('a log in ms', 'time_ms,prompt_tokens,completion_tokens', [0, 1, 2], (i) => `${i * 1000}.25,${i + 9},${i + 3}`),
];
export const SAMPLES: readonly Sample[] = ALL.map((sample) =>
  sample.name === 'a log in ms' ? { ...sample, read: (line) => inMs(sample.read?.(line) ?? null) } : sample,
);

/** Formats whose rows nest objects. */
function nested(): Sample[] {
  const body = (i: number): string =>
    `{"model":"m","messages":[{"role":"user","content":"hi ${i}"}],"max_tokens":${i + 5}}`;
  const span = (i: number): string =>
    `{"traceId":"5b","spanId":"e${i}","parentSpanId":"","startTimeUnixNano":"154471266000000${i}000","endTimeUnixNano":154471266100000${i}000,"attributes":[{"key":"gen_ai.operation.name","value":{"stringValue":"chat"}},{"key":"gen_ai.usage.input_tokens","value":{"intValue":"${i + 9}"}},{"key":"gen_ai.usage.output_tokens","value":{"intValue":${i + 1}}},{"key":"gen_ai.input.messages","value":{"stringValue":"[{\\"role\\":\\"user\\",\\"parts\\":[{\\"type\\":\\"text\\",\\"content\\":\\"x\\"}]}]"}}],"status":{}}`;
  const rows: Readonly<Record<string, (i: number) => string>> = {
    otel: (i) => `{"resourceSpans":[{"scopeSpans":[{"spans":[${span(i)}]}]}]}`,
    'otel flat': (i) =>
      `{"trace_id":"t${i}","span_count":1,"spans":[{"span_id":"${i}a","start_time":"2026-02-25T10:00:0${i}.5","end_time":"2026-02-25T10:00:0${i}.75","attributes":{"gen_ai.usage.input_tokens":${i + 5},"gen_ai.usage.output_tokens":3}}]}`,
    'otel of Jaeger': (i) =>
      `{"data":[{"traceID":"t${i}","spans":[{"traceID":"t${i}","spanID":"a","operationName":"chat","startTime":154471266000000${i},"duration":250000,"references":[{"refType":"CHILD_OF","spanID":"0"}],"tags":[{"key":"gen_ai.usage.input_tokens","value":${i + 5}},{"key":"gen_ai.usage.output_tokens","value":3}]}]}],"total":0}`,
    'otel of Tempo': (i) => `{"batches":[{"scopeSpans":[{"spans":[${span(i)}]}]}]}`,
    baseten: (i) =>
      `{"timestamp_start_unix_ms":176000000012${i},"prompt":"x","input_tokens":${i + 17},"output_tokens":5,"total_hashes":[1,${i}],"block_size":16,"duration_ttft_ms":1.5,"provided_session_id":"s"}`,
    'servegen-conversations': (i) =>
      `${i === 0 ? '[' : ''}[{"turn":0,"timestamp":${i}.5,"input_token_count":${i + 7},"output_token_count":3,"input_tokens":[1],"output_tokens":[]}]${i === ROWS - 1 ? ']' : ','}`,
    'openai-batch': (i) =>
      i % 2 === 0
        ? `{"custom_id":"q${i}","method":"POST","url":"/v1/chat/completions","body":${body(i)}}`
        : `{"id":"b","custom_id":"q${i - 1}","response":{"status_code":200,"body":{"usage":{"prompt_tokens":${i},"completion_tokens":${i}}}},"error":null}`,
    'litellm payloads': (i) =>
      `{"id":"c${i}","call_type":"acompletion","startTime":173169360${i}.25,"endTime":173169361${i}.5,"prompt_tokens":${i + 1},"completion_tokens":4,"messages":[{"role":"user","content":"x"}],"metadata":{}}`,
    langfuse: (i) =>
      `{"id":"o${i}","type":"GENERATION","start_time":"2026-01-05 10:00:0${i}.000001","usage_details":{"input":${i + 10},"output":5,"total":${i + 35},"input_cached_tokens":20},"session_id":"s"}`,
    sharegpt: (i) =>
      `{"id":"a${i}","conversations":[{"from":"human","value":"hi ${i}"},{"from":"gpt","value":"yes"},{"from":"human","value":"so"},{"from":"gpt","value":"no ${i}"}]}`,
    'lmsys-chat': (i) =>
      `{"conversation_id":"c${i}","model":"m","conversation":[{"role":"user","content":"a"},{"role":"assistant","content":"b ${i}"}],"turn":1}`,
    messages: body,
    prompts: (i) => `{"prompt":"hello ${i}","output_tokens":${i + 1}}`,
    'aiperf-inputs': (i) => `{"data":[{"session_id":"s${i}","payloads":[${body(i)},${body(i)}]}]}`,
    sagemaker: (i) =>
      `{"captureData":{"endpointInput":{"data":${JSON.stringify(body(i))},"encoding":"JSON"}},"eventMetadata":{"inferenceTime":"2026-04-29T00:03:0${i}Z"}}`,
  };
  return Object.entries(rows).map(([name, row]) => ({
    name,
    head: null,
    rows: rowsOf(row),
    read: null,
    isRelative: true,
  }));
}

function inMs(row: StrictRow | null): StrictRow | null {
  return row === null ? null : { ...row, dueUs: (row.dueUs + 500n) / 1000n };
}

const ODD = [
  '1e999',
  '-0',
  '0x10',
  '1_000',
  'NaN',
  'Infinity',
  '-Infinity',
  '9007199254740993',
  '1.5',
  '-1',
  '1e3',
  '007',
  '+5',
  '٣',
  '１２',
  '0',
  '',
  '1,000',
  '1e-7',
  '.5',
  '5.',
  '10000001',
  'null',
  '"7"',
  '[[1]]',
  '{"valueOf":1}',
  '9'.repeat(400),
  `0.${'3'.repeat(400)}`,
  '253402300799',
  '1731693600250',
  '9999-12-31 23:59:59',
  '0001-01-01 00:00:00',
];
const BITS = [
  '"',
  '""',
  '\\',
  '\r',
  '\r\n',
  '\n',
  '\n\n',
  '\uFEFF',
  '\0',
  ' ',
  '\t',
  '\u00A0',
  '\u2028',
  ',',
  ':',
  '{',
  '}',
  '[',
  ']',
  ';',
  'é',
  '"extra":{"input_length":5},',
  '"input_length":5,',
  '"input_leng\\u0074h":5,',
  '"t_us":5,',
  '"output_tokens":1,"output_tokens":1,',
  '"id":"a1",',
];

type Mutation = (text: string, pick: (n: number) => number) => string;
const onLines =
  (change: (lines: string[], at: number, pick: (n: number) => number) => void): Mutation =>
  (text, pick) => {
    const lines = text.split('\n');
    change(lines, pick(lines.length), pick);
    return lines.join('\n');
  };
const MUTATIONS: readonly Mutation[] = [
  // A number becomes an odd one; so does a date where one stands.
  (text, pick) => {
    const numbers = [...text.matchAll(/-?\d[\d.]*/g)];
    const found = numbers[pick(numbers.length)];
    if (found === undefined) return text;
    return text.slice(0, found.index) + (ODD[pick(ODD.length)] ?? '') + text.slice(found.index + found[0].length);
  },
  (text, pick) => {
    const at = pick(text.length + 1);
    return text.slice(0, at) + (BITS[pick(BITS.length)] ?? '') + text.slice(at);
  },
  // Where an object begins, a key may be doubled.
  (text, pick) => {
    const starts = [...text.matchAll(/\{/g)].map(({ index }) => index + 1);
    const at = starts[pick(starts.length)] ?? 0;
    return text.slice(0, at) + (BITS[BITS.length - 1 - pick(6)] ?? '') + text.slice(at);
  },
  (text, pick) => {
    const at = pick(text.length + 1);
    return text.slice(0, at) + text.slice(at + 1 + pick(3));
  },
  (text, pick) => text.slice(0, pick(text.length + 1)),
  (text) => text.replaceAll('\n', '\r\n'),
  (text) => `\uFEFF${text}`,
  onLines((lines, at, pick) => lines.splice(pick(lines.length), 0, ...lines.splice(at, 1))),
  onLines((lines, at) => lines.splice(at, 1)),
  onLines((lines, at) => lines.splice(at, 0, lines[at] ?? '')),
  onLines((lines, at) => lines.splice(at, 0, '')),
];

/** A file made of a sample by one to three mutations, packed by chance, the packed bytes changed by chance too. */
export function mutated({ head, rows }: Pick<Sample, 'head' | 'rows'>, seed: number): Buffer {
  const random: Random = randomStream(seed, 'fuzz');
  const pick = (n: number): number => Math.floor(uniform(random) * n);
  let text = `${[...(head === null ? [] : [head]), ...rows].join('\n')}\n`;
  for (let left = 1 + pick(3); left > 0; left--) text = MUTATIONS[pick(MUTATIONS.length)]?.(text, pick) ?? text;
  const plain = Buffer.from(text);
  if (pick(8) === 0 && plain.length > 0) plain[pick(plain.length)] = pick(256);
  if (pick(4) > 0) return plain;
  const cut = pick(plain.length + 1);
  const packed = Buffer.concat([gzipSync(plain.subarray(0, cut)), gzipSync(plain.subarray(cut))]);
  const kind = pick(6);
  if (kind === 0) return packed.subarray(0, pick(packed.length));
  if (kind === 1) return Buffer.concat([packed, Buffer.from('1,2,3\n')]);
  if (kind === 2) packed[pick(packed.length)] = pick(256);
  return packed;
}

/**
 * Reads a mutated file: null where every row that comes out is right and every other line is named, and what is wrong
 * otherwise.
 */
export async function misread(sample: Sample, bytes: Buffer, path: string): Promise<string | null> {
  writeFileSync(path, bytes);
  const found: Request[] = [];
  const named = new Set<number>();
  try {
    const source = await openSource(path, {
      onBadRow: 'skip',
      onSkipped: ({ line }) => named.add(line),
      onLeftOut: ({ line }) => named.add(line),
    });
    for await (const batch of source.open()) found.push(...batch);
  } catch (thrown) {
    if (!(thrown instanceof UserError)) return `a fault: ${String(thrown)}`;
    return thrown.message.startsWith(path) ? null : `an error that does not name the file: ${thrown.message}`;
  }
  const ids = new Set(found.map(({ id }) => id));
  if (ids.size < found.length) return 'two requests have one id';
  if (sample.read === null) {
    const odd = found.find((request) => !isRequest(request));
    return odd === undefined ? null : `it holds no such request: ${JSON.stringify(odd)}`;
  }
  const text = textOf(bytes);
  if (text === null) return 'bytes that are no text were read';
  const lines = text.split('\n');
  const first = lines.findIndex((line) => line.replace(/^\uFEFF/, '').trim() !== '');
  if (sample.head !== null && !isSameHead(sample, lines[first] ?? '')) return null;
  let zeroUs: bigint | null = null;
  for (const request of found) {
    const strict = strictRow(sample, lines, request.traceRow);
    if (strict === null) return `line ${request.traceRow} is no row, and became ${JSON.stringify(request)}`;
    zeroUs ??= sample.isRelative ? strict.dueUs : 0n;
    if (!isSame(sample, request, strict, zeroUs)) return `line ${request.traceRow} became ${JSON.stringify(request)}`;
  }
  // A quote makes one row of several lines; without one, each line has to be somewhere.
  if (sample.head?.startsWith('{') === false && text.includes('"')) return null;
  for (const { traceRow } of found) named.add(traceRow);
  const silent = lines.findIndex(
    (line, i) =>
      !named.has(i + 1) && !(i === first && sample.head !== null) && line.replace(/^\uFEFF/, '').trim() !== '',
  );
  return silent === -1 ? null : `line ${silent + 1} was dropped without a word: ${lines[silent]}`;
}

function isRequest({ dueUs, inputTokens, outputTokens }: Request): boolean {
  const isLength = (tokens: number): boolean => Number.isInteger(tokens) && tokens >= 1 && tokens <= 10_000_000;
  return Number.isSafeInteger(dueUs) && isLength(inputTokens) && isLength(outputTokens);
}

function textOf(bytes: Buffer): string | null {
  try {
    const plain = bytes[0] === 0x1f && bytes[1] === 0x8b ? gunzipSync(bytes) : bytes;
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(plain);
  } catch {
    return null;
  }
}

/** Where the header is another, other columns may be the right ones. */
function isSameHead({ head }: Sample, line: string): boolean {
  const names = (text: string): string => JSON.stringify(strictCells(text.replace(/^\uFEFF/, ''))).toLowerCase();
  return head?.startsWith('{') === true || names(line) === names(head ?? '');
}

/** The row that ends in a line, of that line alone or with some before it, where a quoted cell has line ends. */
function strictRow(sample: Sample, lines: readonly string[], end: number): StrictRow | null {
  const { read } = sample;
  if (read === null) return null;
  for (let start = end - 1; start >= Math.max(0, end - 5); start--) {
    const row = read(
      lines
        .slice(start, end)
        .join('\n')
        .replace(/^\uFEFF/, ''),
    );
    if (row !== null || sample.head?.startsWith('{') !== false) return row;
  }
  return null;
}

function isSame(sample: Sample, request: Request, strict: StrictRow, zeroUs: bigint): boolean {
  // Times of JSON are doubles before they are microseconds.
  const offUs = Math.abs(Number(strict.dueUs - zeroUs) - request.dueUs);
  return (
    offUs <= 1 + Number(strict.dueUs) * 2 ** -50 &&
    BigInt(request.inputTokens) === strict.input &&
    BigInt(request.outputTokens) === strict.output &&
    (sample.name !== 'rtrace' || strict.id === undefined || request.id === strict.id) &&
    (request.blocks === undefined || JSON.stringify(request.blocks.map(String)) === JSON.stringify(strict.blocks))
  );
}
