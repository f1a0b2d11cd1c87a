import type { InputIs } from '../../src/core/plan.ts';
import type { JsonObject, Prompt } from '../../src/core/request.ts';
import { isJsonObject, messagesIn, objectIn, shapingParams } from './body-params.ts';
import { faultName, LENGTH_EXPECTED, MAX_ROW_TOKENS } from './faults.ts';
import { FieldError, quoted, type Format } from './format.ts';
import { given } from './given.ts';
import { keysOf } from './json-lines.ts';
import { hasNames, namedNotes, namedRequests, type Fields, type RowRequest } from './named-rows.ts';

/** Its export writes names like `start_time`, its API like `startTime`. */
const camel = (name: string): string => name.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
const SNAKE = [
  'id',
  'type',
  'start_time',
  'end_time',
  'completion_start_time',
  'provided_model_name',
  'model',
  'model_parameters',
  'usage_details',
  'usage',
  'session_id',
  'user_id',
  'input',
  'level',
];
const USES = [...new Set(SNAKE.flatMap((name) => [name, camel(name)]))];

/** Langfuse's observations, by its export or its API, as JSON Lines or CSV; only those of type GENERATION are requests. */
export const langfuse: Format = {
  name: 'langfuse',
  begins: '{"id":...,"type":"GENERATION","start_time":...,"usage_details":{"input":...,"output":...}}',
  matches(head, rows) {
    const isLike = (has: (name: string) => boolean): boolean =>
      has('type') && ['', '_'].some((gap) => has(gap === '' ? 'startTime' : 'start_time')) && USAGES.some(has);
    if (isLike((name) => hasNames(head, [name]))) return true;
    return [head, ...rows.slice(0, 20)].some((line) => {
      const keys = keysOf(line);
      return isLike((name) => keys.includes(name));
    });
  },
  notes: (head, keys) => namedNotes(head, keys, USES),
  read: (text, rows) =>
    namedRequests(text, rows, { uses: USES, hasIds: true, read: (fields) => read(fields, rows.inputIs ?? null) }),
};

const USAGES = ['usage_details', 'usageDetails', 'usage'];

function read(fields: Fields, inputIs: InputIs | null): RowRequest | string {
  const type = fields.text('type');
  if (type !== 'GENERATION') return `type ${type ?? 'none'}, not GENERATION`;
  const usage = fields.first('usage_details', 'usageDetails', 'usage');
  const counts = objectIn(fields.value(usage)) ?? {};
  const hasFailed = fields.value('level') === 'ERROR';
  const outputs = counts['output'] ?? counts['completionTokens'];
  if (hasFailed && outputs === undefined) return 'failed: no output tokens';
  if (outputs === 0 || outputs === '0') return `${hasFailed ? 'failed: ' : ''}0 output tokens`;
  const arrivalUs = fields.time(fields.first('start_time', 'startTime'));
  const endUs = fields.perhapsTime(fields.first('end_time', 'endTime'));
  const firstUs = fields.perhapsTime(fields.first('completion_start_time', 'completionStartTime'));
  fields.value(usage);
  const { input, output, cached } = lengthsOf(counts, usage, inputIs);
  const source = given({
    ttftUs: firstUs !== undefined && firstUs >= arrivalUs ? firstUs - arrivalUs : undefined,
    e2eUs: endUs !== undefined && endUs >= arrivalUs ? endUs - arrivalUs : undefined,
    cachedTokens: cached,
    failed: hasFailed ? (true as const) : undefined,
  });
  return {
    id: fields.text('id'),
    arrivalUs,
    inputTokens: input,
    outputTokens: output,
    model: fields.text(fields.first('provided_model_name', 'providedModelName', 'model')),
    session: fields.text(fields.first('session_id', 'sessionId')),
    user: fields.text(fields.first('user_id', 'userId')),
    prompt: promptIn(fields.value('input')),
    params: shapingParams(objectIn(fields.value(fields.first('model_parameters', 'modelParameters')))),
    source: Object.keys(source).length > 0 ? source : undefined,
  };
}

const CACHED = /cache.*read|cached/;
const INPUT_PART = /^input_|^cache_(?:read|creation)/;
const OUTPUT_PART = /^output_|^reasoning_/;

/**
 * The parts of a prompt or an answer (`input_cached_tokens`, `output_reasoning_tokens`, ...) may stand within `input` and
 * `output` or beside them; the total tells which. Without one, `inputIs` does, and the default is within.
 */
function lengthsOf(
  counts: JsonObject,
  name: string,
  inputIs: InputIs | null,
): { input: number; output: number; cached: number | undefined } {
  const at = (key: string): number => {
    const found = counts[key];
    // Some databases write numbers of 64 bits as texts.
    const value = typeof found === 'string' && /^\d+$/.test(found) ? Number(found) : found;
    if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= MAX_ROW_TOKENS) return value;
    throw new FieldError(
      `${faultName('length', value)}${name}.${key} is ${value === undefined ? 'missing' : quoted(value)}, expected ${LENGTH_EXPECTED}`,
    );
  };
  const [inputKey, outputKey] = 'promptTokens' in counts ? ['promptTokens', 'completionTokens'] : ['input', 'output'];
  const [input, output] = [at(inputKey), at(outputKey)];
  const sum = (keys: readonly string[]): number => keys.reduce((total, key) => total + at(key), 0);
  const keys = Object.keys(counts);
  const inputParts = sum(keys.filter((key) => INPUT_PART.test(key)));
  const outputParts = sum(keys.filter((key) => OUTPUT_PART.test(key)));
  const total = counts['total'] === undefined ? null : at('total');
  const isBeside = total === null ? inputIs === 'uncached' : total >= input + output + inputParts + outputParts;
  const whole = input + (isBeside ? inputParts : 0);
  const answer = output + (isBeside && total !== null ? outputParts : 0);
  for (const [key, value] of [
    [inputKey, whole],
    [outputKey, answer],
  ] as const)
    if (value < 1 || value > MAX_ROW_TOKENS)
      throw new FieldError(`${faultName('length', value)}${name}.${key} is ${value}, expected ${LENGTH_EXPECTED}`);
  const cachedKeys = keys.filter((key) => INPUT_PART.test(key) && CACHED.test(key));
  return { input: whole, output: answer, cached: cachedKeys.length === 0 ? undefined : sum(cachedKeys) };
}

/** The messages of a chat as it keeps them: a list, or an object that holds one; or a text. */
function promptIn(value: unknown): Prompt | undefined {
  const held = objectIn(value);
  const messages = messagesIn(held === undefined ? value : held['messages']);
  if (messages !== undefined) return { kind: 'messages', messages };
  return typeof value === 'string' && !isJsonObject(held) && value.isWellFormed()
    ? { kind: 'text', text: value }
    : undefined;
}
