import { normalName } from './formats/column-names.ts';
import { isAbsoluteTime } from './formats/fields.ts';
import { isJsonObject } from './formats/body-params.ts';
import { namesText, quoted } from './formats/format.ts';
import { parseJson } from './formats/json-lines.ts';
import { tableLack } from './table/guess.ts';
import { sampleOf } from './table/table-sample.ts';

const AS_CSV = 'write a line a request as CSV with the columns arrival_s (in seconds), input_tokens, output_tokens';
const AS_SESSIONS =
  'write it as JSON Lines with the keys session_id, input_length, output_length, timestamp (ms, of first turns) and delay (ms, of later ones)';

const SERVEGEN = 'make requests of its folder by reprise trace synth --clients FOLDER';

/** A form of file that people have and no reader takes: the keys of its objects, what it is and what it lacks. */
interface ForeignForm {
  /** All keys of one of these lists are there. */
  readonly keys: readonly (readonly string[])[];
  readonly is: string;
  /** A text, or the format that reads it where it is named. */
  readonly wayOut: string | { readonly readAs: string };
}

/** Those with more keys first, where one has the keys of another. */
const FORMS: readonly ForeignForm[] = [
  {
    keys: [['dependencies', 'not_before_ms']],
    is: 'an agentic Mooncake trace (Dynamo) of a version that is not known, or without its first line',
    wayOut:
      'version 2 is read, which begins with {"schema":"dynamo.agentic_mooncake","version":2,"block_size":...}, and version 1, whose rows have wait_for, delay and tool_wait_ms',
  },
  {
    keys: [['wait_for', 'input_length'], ['tool_wait_ms']],
    is: 'an agentic Mooncake trace (Dynamo), in which later requests wait for answers',
    wayOut: { readAs: 'mooncake-agentic' },
  },
  {
    keys: [
      ['delay', 'input_length'],
      ['delay_ms', 'input_length'],
    ],
    is: 'a trace of sessions (AIPerf, Mooncake) whose later turns come a delay after the answer before',
    wayOut: { readAs: 'mooncake-sessions' },
  },
  {
    keys: [['session_id', 'input', 'output_length']],
    is: 'an LMCache agentic trace: messages of sessions, with gaps between turns and without lengths of prompts',
    wayOut: `count the tokens of each prompt and ${AS_CSV}`,
  },
  {
    keys: [
      ['num_turns', 'input_prompt_length'],
      ['trajectory_id', 'steps'],
      ['schema_version', 'steps'],
    ],
    is: 'a file of agent trajectories, without arrival times',
    wayOut: AS_SESSIONS,
  },
  {
    keys: [['request_id', 'img_ids', 'hash_ids']],
    is: 'one of the offline traces of ServeGen that have hashes of contents, without lengths of answers',
    wayOut: 'add a length of answers to each row (output_length), such as one that traces d, e or f have',
  },
  {
    keys: [
      ['model', 'input', 'max_output_tokens'],
      ['model', 'input', 'instructions'],
    ],
    is: 'a file of bodies of the Responses API, which are not sent',
    wayOut: 'write their input as messages: {"model":...,"messages":[...],"max_tokens":...} a line',
  },
  {
    keys: [['question', 'answer'], ['instruction']],
    is: 'a data set of questions: texts without times',
    wayOut: `give each a time and its lengths, and ${AS_CSV}`,
  },
];

/** Beyond so many characters a key is of another row than the ones that show the form. */
const MOST_CHARACTERS = 65_536;
/** Keys anywhere in text that looks like JSON; those in quoted text have a backslash. */
const KEY = /"([^"\\]{1,60})"\s*:/g;

/** The keys in the first lines of a text that looks like JSON, those of nested objects too. */
export function keysIn(lines: readonly string[]): ReadonlySet<string> {
  const text = lines.join('\n').slice(0, MOST_CHARACTERS);
  return new Set(Array.from(text.matchAll(KEY), ([, key = '']) => key));
}

/** Which form of JSON a file is of, as far as its keys tell; `format`: what it is read as, which it is not then. */
export function foreignForm(keys: ReadonlySet<string>, format: string | null = null): string | null {
  const form = FORMS.find((known) => known.keys.some((all) => all.every((key) => keys.has(key))));
  if (form === undefined) return null;
  const { is, wayOut } = form;
  if (typeof wayOut === 'string') return `it seems to be ${is}; ${wayOut}`;
  return wayOut.readAs === format ? null : `it seems to be ${is}; have it read as one: --trace-format ${wayOut.readAs}`;
}

const SESSION = /(?:^|_)(?:session|conversation|conv|chat|dialog|dialogue|thread|trajectory|user|turn)s?(?:_|$)/;
const GAP = /(?:^|_)(?:delay|think|thinking|wait|gap|pause|idle)(?:_|$)/;
/** Times that a log has of its own requests. */
const OF_SERVER = /queue|schedul|retry|network/;

/**
 * Sessions whose later turns have no times, where rows miss their time: by a key or column that names the session, and
 * one for the time between an answer and the next turn. Null where the names show neither.
 */
export function sessionForm(names: readonly string[]): string | null {
  const normal = names.map((name) => ({ name, as: normalName(name) }));
  const session = normal.find(({ as }) => SESSION.test(as));
  const gap = normal.find(({ as }) => GAP.test(as) && !OF_SERVER.test(as));
  if (session === undefined || gap === undefined) return null;
  const found = `(${namesText([session.name, gap.name])})`;
  return `it seems to be a trace of sessions ${found} whose later turns have no times: each comes a delay after the answer before it; ${AS_SESSIONS}`;
}

/** What a file that no reader takes seems to be, what it lacks, and the way out; without a full stop. */
export function unknownForm(lines: readonly string[]): string {
  const [head = ''] = lines;
  const first = head.trim();
  if (/^<[!?a-z]/i.test(first))
    return `it is an HTML or XML page, not a trace; ${begins(first)}; download the file itself`;
  if (lines.some((line) => /\bReceived request \S+: prompt/.test(line)))
    return "it seems to be the output of a vLLM server, which does not say how long answers were; its spans do (OpenTelemetry), or a gateway's log";
  if (first.startsWith('[')) return `${begins(first)}: one object a line, or an array of objects, is expected`;
  if (first.startsWith('{')) {
    const form = foreignForm(keysIn(lines));
    const { names } = sampleOf(lines);
    if (/^\{\s*"\d+(?:\.0)?"\s*:\s*\{\s*"(?:input|text|output)_tokens"\s*:\s*"\{/.test(first))
      return `${begins(first)}: it seems to be lengths of a ServeGen client, not requests; ${SERVEGEN}`;
    if (form !== null) return `${begins(first)}: ${form}`;
    const key = rowsWithin(first);
    if (key !== null)
      return `its rows seem to stand in ${quoted(key)} of one object: write them one a line, e.g. jq -c '.[${quoted(key)}][]'`;
    return names.length === 0 ? begins(first) : `its keys are ${namesText(names)}; ${tableLack(lines)}`;
  }
  const { names } = sampleOf(lines);
  if (names.length > 1) return unknownTable(names, lines);
  if (/^\S+(?:\s+\S+){2,}$/.test(first) && /^[\d.]+(?:\s+[\d.]+){2,}$/.test(lines[1] ?? ''))
    return 'its cells are separated by spaces, expected commas: write it with commas';
  if (first.split('|').length > 2) return 'its cells are separated by bars, expected commas: write it with commas';
  return begins(first);
}

/** The key of the only list of objects in an object, as answers of an API have it; null where there is none. */
function rowsWithin(line: string): string | null {
  const value = parseJson(line);
  // Longer than what is read of a file to know its form.
  if (value === undefined) return /^\{\s*"([^"\\]{1,60})"\s*:\s*\[\s*\{/.exec(line)?.[1] ?? null;
  const lists = Object.entries(isJsonObject(value) ? value : {}).filter(
    ([, each]) => Array.isArray(each) && each.length > 0 && each.every(isJsonObject),
  );
  return lists.length === 1 ? (lists[0]?.[0] ?? null) : null;
}

function begins(first: string): string {
  return `it begins with ${JSON.stringify(first.slice(0, 80))}`;
}

function unknownTable(names: readonly string[], lines: readonly string[]): string {
  const columns = `its columns are ${namesText(names)}`;
  if (names.every((name) => /^[\d.eE+-]*$/.test(name) || isAbsoluteTime(name)))
    return `${columns}: it has no header line; put the names of its columns above it`;
  if (names.some((name) => /^(?:gamma|weibull)$/i.test(name)))
    return `${columns}: it seems to be a ServeGen client: rates of arrival for windows of time, not requests; ${SERVEGEN}`;
  return `${columns}; ${tableLack(lines)}`;
}
