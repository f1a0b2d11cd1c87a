import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { UserError } from '../../src/core/errors.ts';
import { randomStream, uniform, type Random } from '../../src/core/random.ts';
import type { MediaItem, Request } from '../../src/core/request.ts';
import { MOST_PART_BYTES, readTextWithin } from '../../src/core/read-within.ts';
import { isJsonObject } from '../formats/body-params.ts';
import { parseJson } from '../formats/json-lines.ts';
import { weighted, type Draw } from './distributions.ts';
import { exponentialGaps, gammaShape, weibullShape, type Shape } from './gaps.ts';
import { stepTime, type Step } from './time-change.ts';
import { rowId } from '../row-id.ts';

/** Seconds of a window of arrivals. */
const WINDOW_S = 600;

/** One client of a ServeGen folder: a window of 600 s after another. */
interface Client {
  readonly name: string;
  readonly windows: readonly Window[];
  /** From a time on, in order. */
  readonly lengths: readonly Lengths[];
  readonly expected: number;
}

/** What its requests are from a time on. */
interface Lengths {
  readonly fromS: number;
  /** Of the prompt's text. */
  readonly input: Draw;
  readonly output: Draw;
  /** How many items of a kind a prompt has, and the tokens of each. */
  readonly media: readonly { readonly kind: MediaItem['kind']; readonly count: Draw; readonly tokens: Draw }[];
  /** The share of an answer that is reasoning; null: not said. */
  readonly reasoning: Draw | null;
}

interface Window extends Step {
  readonly shape: Shape | null;
}

/** The clients of a folder, those with the most requests first, and how long they are described. */
export interface Clients {
  readonly clients: readonly Client[];
  readonly endS: number;
  /** Clients that are left out, as they never send or have no lengths. */
  readonly silent: number;
  /** Clients that send less than those that were asked for, and their share of all requests. */
  readonly others: { readonly count: number; readonly share: number };
  readonly hasMedia: boolean;
}

/**
 * Reads a folder of ServeGen (`chunk-ID-trace.csv`, `chunk-ID-dataset.json`; github.com/alibaba/ServeGen). `top`: only so
 * many clients. Throws a UserError that names the file and what is wrong in it.
 */
export function readClients(folder: string, top: number | null): Clients {
  if (!existsSync(folder)) throw new UserError(`--clients: there is no folder ${folder}`);
  const names = readdirSync(folder).flatMap((file) => /^(chunk-.+)-trace\.csv$/.exec(file)?.[1] ?? []);
  if (names.length === 0)
    throw new UserError(
      `--clients: ${folder} has no chunk-ID-trace.csv with its chunk-ID-dataset.json, as ServeGen has them`,
    );
  const all = names.toSorted().map((name) => readClient(folder, name));
  const sending = all.filter(({ expected, lengths }) => expected > 0 && lengths.length > 0);
  if (sending.length === 0) throw new UserError(`--clients: no client in ${folder} sends anything`);
  const expected = (clients: readonly Client[]): number => clients.reduce((sum, client) => sum + client.expected, 0);
  const ordered = sending.toSorted((a, b) => b.expected - a.expected);
  const others = ordered.slice(top ?? sending.length);
  return {
    clients: ordered.slice(0, top ?? sending.length),
    endS: Math.max(...sending.map(({ windows }) => windows.reduce((sum, { lengthS }) => sum + lengthS, 0))),
    silent: all.length - sending.length,
    hasMedia: sending.some(({ lengths }) => lengths.some(({ media }) => media.length > 0)),
    others: { count: others.length, share: expected(others) / expected(ordered) },
  };
}

function readClient(folder: string, name: string): Client {
  const windows = readWindows(join(folder, `${name}-trace.csv`));
  return {
    name,
    windows,
    lengths: readLengths(join(folder, `${name}-dataset.json`)),
    expected: windows.reduce((sum, { rate, lengthS }) => sum + rate * lengthS, 0),
  };
}

/** Lines of `start_s,rate_rps,cv,pattern,shape,scale`, without a header; a window that is missing is empty. */
function readWindows(path: string): Window[] {
  const windows: Window[] = [];
  for (const [i, line] of readTextWithin(path, MOST_PART_BYTES).split(/\r?\n/).entries()) {
    if (line.trim() === '') continue;
    const [start = '', rate = '', , pattern = '', argument = ''] = line.split(',');
    const [index, rps, shape] = [Number(start) / WINDOW_S, Number(rate), Number(argument)];
    if (
      start.trim() === '' ||
      !Number.isInteger(index) ||
      index < windows.length ||
      index > 1e6 ||
      !(rps >= 0 && rps < 1e6)
    )
      throw new UserError(
        `${path}:${i + 1}: got "${line.slice(0, 80)}", expected a start that is a multiple of ${WINDOW_S} s, in order, and a rate`,
      );
    while (windows.length < index) windows.push({ lengthS: WINDOW_S, rate: 0, shape: null });
    windows.push({
      lengthS: WINDOW_S,
      rate: rps,
      shape: rps === 0 ? null : shapeOf(pattern, shape, `${path}:${i + 1}`),
    });
  }
  return windows;
}

function shapeOf(pattern: string, shape: number, place: string): Shape {
  if (shape > 0 && shape < 1e6) {
    if (pattern === 'Gamma') return gammaShape(shape);
    if (pattern === 'Weibull' && shape >= 0.02) return weibullShape(shape);
  }
  throw new UserError(`${place}: got ${pattern} of shape ${shape}, expected Gamma or Weibull, and a shape above 0`);
}

const KINDS = ['image', 'audio', 'video'] as const;

/**
 * `{"0": {"input_tokens": "{224: 0.1, 225: 0.9}", "output_tokens": "{...}"}}`: chances by start; an empty one is left out.
 * Of prompts with more than text `text_tokens`, `image_count`, `image_tokens` and the like; of reasoning `reason_ratio`.
 */
function readLengths(path: string): Client['lengths'] {
  if (!existsSync(path)) throw new UserError(`--clients: ${path} is missing`);
  const all = parseJson(readTextWithin(path, MOST_PART_BYTES));
  if (!isJsonObject(all)) throw new UserError(`${path}: is no JSON object of starts in seconds`);
  return Object.entries(all)
    .flatMap(([start, fields]) => {
      const fromS = Number(start);
      if (!(fromS >= 0)) throw new UserError(`${path}: got "${start}", expected a start in seconds`);
      if (!isJsonObject(fields))
        throw new UserError(
          `${path}: from ${start} s: got ${JSON.stringify(fields).slice(0, 80)}, expected an object of input_tokens and output_tokens`,
        );
      const of = (key: string): Draw | null => chances(fields[key], `${path}: ${key} from ${start} s`);
      const ifThere = (key: string): Draw | null => (fields[key] === undefined ? null : of(key));
      const [input, output] = [
        of(fields['text_tokens'] === undefined ? 'input_tokens' : 'text_tokens'),
        of('output_tokens'),
      ];
      if (input === null || output === null) return [];
      const media = KINDS.flatMap((kind) => {
        const [count, tokens] = [ifThere(`${kind}_count`), ifThere(`${kind}_tokens`)];
        return count === null || tokens === null ? [] : [{ kind, count, tokens }];
      });
      return [{ fromS, input, output, media, reasoning: ifThere('reason_ratio') }];
    })
    .toSorted((a, b) => a.fromS - b.fromS);
}

/** A dict of Python as a text, which is read and never evaluated; null where it is empty. */
function chances(text: unknown, place: string): Draw | null {
  if (typeof text !== 'string' || !/^\s*\{.*\}\s*$/s.test(text))
    throw new UserError(`${place}: expected a text like "{224: 0.1, 225: 0.9}"`);
  const parts = text
    .trim()
    .slice(1, -1)
    .split(',')
    .filter((part) => part.trim() !== '');
  if (parts.length === 0) return null;
  const pairs = parts.map((part) => {
    const [, value, chance] = /^\s*(\d*\.?\d+)\s*:\s*(\d*\.?\d+(?:e-?\d+)?)\s*$/i.exec(part) ?? [];
    if (value === undefined || chance === undefined)
      throw new UserError(`${place}: got "${part.trim().slice(0, 40)}", expected NUMBER: CHANCE`);
    return { value: Number(value), chance: Number(chance) };
  });
  const ordered = pairs.toSorted((a, b) => a.value - b.value);
  const weights = Float64Array.from(ordered, ({ chance }) => chance);
  if (weights.every((weight) => weight === 0)) return null;
  const index = weighted(weights);
  return (random) => ordered[index(random)]?.value ?? 0;
}

/** How the lengths of a request are drawn: each by itself, or by one number, so that long prompts have long answers. */
export const CLIENT_DRAWS = ['independent', 'joint'] as const;
export type ClientDraws = (typeof CLIENT_DRAWS)[number];

/** The requests of all clients in order of time, each with its client as user. */
export function* clientRequests({ clients }: Clients, draws: ClientDraws, seed: number): Generator<Request> {
  const streams = clients.map((client) => ({ client, next: requestsOf(client, draws, seed) }));
  const heads = streams.map(({ next }) => next.next());
  for (let seq = 0; ; seq++) {
    let first = -1;
    for (const [i, head] of heads.entries())
      if (head.done !== true && (first === -1 || head.value.dueUs < (heads[first]?.value?.dueUs ?? 0))) first = i;
    const head = heads[first];
    const stream = streams[first];
    if (head === undefined || head.done === true || stream === undefined) return;
    yield { ...head.value, id: rowId(seq), traceRow: seq + 2, user: stream.client.name };
    heads[first] = stream.next.next();
  }
}

type Sent = Pick<Request, 'dueUs' | 'inputTokens' | 'outputTokens' | 'media' | 'extra'>;

function* requestsOf({ name, windows, lengths }: Client, draws: ClientDraws, seed: number): Generator<Sent> {
  const random = randomStream(seed, 'synth', 'lengths', name);
  for (const atS of clientTimes(windows, randomStream(seed, 'synth', 'gaps', name))) {
    const found = lengths.findLast(({ fromS }) => fromS <= atS) ?? lengths[0] ?? fail(name);
    yield { dueUs: Math.round(atS * 1e6), ...drawn(found, draws === 'independent' ? random : repeated(random)) };
  }
}

/** Items of a prompt beyond which it is a mix-up of fields. */
const MOST_ITEMS = 1000;

/** Tokens of images and the like are part of the prompt's. */
function drawn({ input, output, media, reasoning }: Lengths, random: Random): Omit<Sent, 'dueUs'> {
  const whole = (draw: Draw): number => Math.max(1, Math.round(draw(random)));
  const [text, outputTokens] = [whole(input), whole(output)];
  const items = media.flatMap(({ kind, count, tokens }): MediaItem[] =>
    Array.from({ length: Math.min(MOST_ITEMS, Math.round(count(random))) }, () => ({ kind, tokens: whole(tokens) })),
  );
  return {
    inputTokens: items.reduce((sum, { tokens = 0 }) => sum + tokens, text),
    outputTokens,
    ...(items.length === 0 ? {} : { media: items }),
    ...(reasoning === null ? {} : { extra: { reasoning_tokens: Math.round(outputTokens * reasoning(random)) } }),
  };
}

/** Draws in a row, all with the numbers of the first. */
function repeated(random: Random): Random {
  const numbers = [random(), random()];
  let at = 0;
  return () => numbers[at++ % 2] ?? 0;
}

/** Gaps of the shape of the window that they begin in, under the rate that changes: no window is filled to its end. */
function* clientTimes(windows: readonly Window[], random: Random): Generator<number> {
  const timeAt = stepTime(windows);
  const shapeAt = (atS: number): Shape | null =>
    windows.slice(Math.floor(atS / WINDOW_S)).find(({ shape }) => shape !== null)?.shape ?? null;
  const first = shapeAt(0);
  let arrivals = first === null ? exponentialGaps(random)() : uniform(random) * first.drawAround(random);
  for (;;) {
    const atS = timeAt(arrivals);
    if (!Number.isFinite(atS)) return;
    yield atS;
    arrivals += shapeAt(atS)?.draw(random) ?? exponentialGaps(random)();
  }
}

function fail(name: string): never {
  throw new Error(`client ${name} has no lengths`);
}
