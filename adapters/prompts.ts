import { randomStream } from '../src/core/random.ts';
import type { Request } from '../src/core/request.ts';

/**
 * Ids that every vocabulary in use has and that name no special token: low ids are special or single bytes in most
 * vocabularies, and small test models end at some thousands.
 */
const FIRST_ID = 256;
const IDS = 1024;

/** As many token ids as the request has input tokens: its own for each (seed, request), the same on every machine. */
export function promptIds(seed: number, request: Request): number[] {
  const random = randomStream(seed, 'prompt', request.id);
  return Array.from({ length: request.inputTokens }, () => FIRST_ID + (random() % IDS));
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

/** As many words as the request has input tokens: near that many tokens, never exactly promised. */
export function promptWords(seed: number, request: Request): string {
  const random = randomStream(seed, 'words', request.id);
  return Array.from({ length: request.inputTokens }, () => WORDS[random() % WORDS.length]).join(' ');
}
