import type { PromptMaker } from '../../src/core/prompt-maker.ts';
import { randomStream } from '../../src/core/random.ts';
import type { Request } from '../../src/core/request.ts';

/**
 * Ids that every vocabulary in use has and that name no special token: low ids are special or single bytes in most
 * vocabularies, and small test models end at some thousands.
 */
const FIRST_ID = 256;
const IDS = 1024;

/** What prompts are made of besides the requests themselves, as plain data: threads make the same of it. */
export interface PromptSpec {
  readonly seed: number;
  /** Tokens of the requests' prefix blocks; null where requests have none, or their size is not known. */
  readonly blockTokens: number | null;
}

export function promptMaker(spec: PromptSpec): PromptMaker {
  return { ids: (request) => promptIds(spec, request), text: (request) => promptWords(spec, request) };
}

/**
 * As many token ids as the request has input tokens: the same for each (seed, request) on every machine. Requests that
 * begin with the same blocks begin with the same ids; behind its blocks, a request has ids of its own.
 */
function promptIds(spec: PromptSpec, request: Request): number[] {
  return draw(spec, request, 'prompt', IDS).map((id) => FIRST_ID + id);
}

/** Plain words that common vocabularies hold as one token each, with the space before them. */
const WORDS = [
  'time',
  'year',
  'people',
  'way',
  'day',
  'man',
  'thing',
  'woman',
  'life',
  'child',
  'world',
  'school',
  'state',
  'family',
  'student',
  'group',
  'country',
  'problem',
  'hand',
  'part',
  'place',
  'case',
  'week',
  'company',
  'system',
  'program',
  'question',
  'work',
  'government',
  'number',
  'night',
  'point',
];

/**
 * As many words as the request has input tokens: near that many tokens, never exactly promised. Shared beginnings as in
 * `promptIds`.
 */
function promptWords(spec: PromptSpec, request: Request): string {
  return draw(spec, request, 'words', WORDS.length)
    .map((index) => WORDS[index])
    .join(' ');
}

/** Blocks whose ids differ modulo this many differ in their first tokens, not just by chance. */
const DISTINCT_BLOCKS = 2 ** 30;

/** A number below `size` for each input token, those of blocks from the streams of their ids. */
function draw({ seed, blockTokens }: PromptSpec, request: Request, stream: string, size: number): number[] {
  const { inputTokens, blocks } = request;
  const drawn: number[] = [];
  if (blocks !== undefined && blockTokens !== null)
    for (const id of blocks) {
      // The id of a block that is not full stands for as many tokens as there are: it begins no longer one.
      const fill = Math.min(blockTokens, inputTokens - drawn.length);
      const random = randomStream(seed, 'block', id, ...(fill === blockTokens ? [] : [fill]));
      let digits = id % DISTINCT_BLOCKS;
      for (let token = 0, told = 1; token < fill; token++, told *= size) {
        drawn.push(told < DISTINCT_BLOCKS ? digits % size : random() % size);
        digits = Math.floor(digits / size);
      }
    }
  const random = randomStream(seed, stream, request.id);
  while (drawn.length < inputTokens) drawn.push(random() % size);
  return drawn;
}
