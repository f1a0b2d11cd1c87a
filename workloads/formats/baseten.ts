import { LargeMap } from '../large-map.ts';
import { blockFault } from './blocks.ts';
import { FieldError, quoted, type Format } from './format.ts';
import { given } from './given.ts';
import { keysOf, parseJson } from './json-lines.ts';
import { hasNames, namedNotes, namedRequests, type Fields, type RowRequest } from './named-rows.ts';

const NEEDED = ['timestamp_start_unix_ms', 'input_tokens', 'output_tokens'];
const USES = [
  ...NEEDED,
  'prompt',
  'total_hashes',
  'block_size',
  'provided_session_id',
  'poor_man_session_id',
  'duration_e2e_ms',
  'duration_ttft_ms',
  'cached_tokens_reference',
  'model_name',
  'org_id',
];
/** What engines use, for rows that do not say it. */
const USUAL_BLOCK = 16;

/**
 * Baseten's completion traces, Parquet as a rule: milliseconds since 1970, literal prompts, and hashes of the blocks of the
 * prompt, which are numbered here, as they have more digits than numbers hold.
 */
export const baseten: Format = {
  name: 'baseten',
  begins:
    '{"timestamp_start_unix_ms":...,"input_tokens":...,"output_tokens":...,"total_hashes":[...],"block_size":...}',
  matches: (head) => hasNames(head, NEEDED) || NEEDED.every((name) => keysOf(head).includes(name)),
  blockTokens(lines, preferred) {
    const said = /"block_size"\s*:\s*(\d{1,6})/.exec(lines[0] ?? '')?.[1];
    return said === undefined ? (preferred ?? USUAL_BLOCK) : Number(said);
  },
  notes: (head, keys) => namedNotes(head, keys, USES),
  read(text, rows) {
    const numbers = new LargeMap<string, number>();
    let next = 0;
    const numberOf = (hash: unknown): number => {
      const key = String(hash);
      const known = numbers.get(key);
      if (known !== undefined) return known;
      numbers.set(key, next);
      return next++;
    };
    return namedRequests(text, rows, {
      uses: USES,
      read: (fields) => read(fields, rows.blockTokens ?? USUAL_BLOCK, numberOf),
    });
  },
};

function read(fields: Fields, size: number, numberOf: (hash: unknown) => number): RowRequest | string {
  const empty = ['input_tokens', 'output_tokens'].find((name) => fields.isZero(name));
  if (empty !== undefined) return `0 ${empty}`;
  const inputTokens = fields.tokens('input_tokens');
  const source = given({
    ttftUs: fields.value('duration_ttft_ms') === undefined ? null : fields.milliseconds('duration_ttft_ms'),
    e2eUs: fields.value('duration_e2e_ms') === undefined ? null : fields.milliseconds('duration_e2e_ms'),
    cachedTokens: fields.count('cached_tokens_reference'),
  });
  const prompt = fields.value('prompt');
  return {
    arrivalUs: fields.time('timestamp_start_unix_ms'),
    inputTokens,
    outputTokens: fields.tokens('output_tokens'),
    session: fields.text(fields.first('provided_session_id', 'poor_man_session_id')),
    model: fields.text('model_name'),
    user: fields.text('org_id'),
    prompt: typeof prompt === 'string' && prompt.isWellFormed() ? { kind: 'text', text: prompt } : undefined,
    blocks: blocksOf(fields, inputTokens, size, numberOf),
    source: Object.keys(source).length > 0 ? source : undefined,
  };
}

function blocksOf(
  fields: Fields,
  inputTokens: number,
  size: number,
  numberOf: (hash: unknown) => number,
): readonly number[] | undefined {
  const own = fields.count('block_size');
  if (own !== undefined && own !== size)
    throw new FieldError(`block_size is ${own}, expected ${size}, as in the first row`);
  const value = fields.value('total_hashes');
  const hashes: unknown = typeof value === 'string' ? parseJson(value) : (value ?? []);
  if (!Array.isArray(hashes) || hashes.some((hash) => typeof hash !== 'number' && typeof hash !== 'string'))
    throw new FieldError(`total_hashes is ${quoted(value)}, expected a list of hashes`);
  const ids = hashes.map((hash) => numberOf(hash));
  const fault = blockFault({ input_length: inputTokens, hash_ids: ids }, size, { orFullOnes: true });
  if (fault !== null)
    throw new FieldError(fault.replace('hash_ids', 'total_hashes').replace('input_length', 'input_tokens'));
  return ids.length === 0 ? undefined : ids;
}
