import { UserError } from '../../src/core/errors.ts';
import type { Source } from '../../src/core/plan.ts';
import type { Request } from '../../src/core/request.ts';
import { MAX_ROW_TOKENS } from '../formats/faults.ts';
import { blockCount } from '../formats/blocks.ts';
import { BlockNumbers } from '../inspect/block-numbers.ts';
import { Numbers } from '../numbers.ts';
import { blockTokensFor, withInput } from './prompt-length.ts';
import { numberArg, type Transform } from './transform.ts';

/**
 * Prompts `factor` times as long, their common beginnings too: what stood within the first tokens of a prompt stands
 * within so many times as many, so that the share of prefixes that requests have in common stays, in whole blocks.
 */
export const scaleInput: Transform = (source, args) => {
  const behind = factorArg('--scale-input', numberArg('scale-input', args, 'factor'));
  return {
    async *open() {
      yield* stretched(source, () => ({ prefixTokens: 0, prefix: 1, behind }), '--scale-input');
    },
  };
};

/**
 * The part of each prompt that others begin with too `prefix` times as long, and what is behind it `unique` times: the
 * blocks that two rows have or more, or where there are none what is not new in the session. Reads the source once more
 * before it is read.
 */
export const scaleParts: Transform = (source, args) => {
  const prefix = factorArg('--scale-prefix', numberArg('scale-parts', args, 'prefix'));
  const behind = factorArg('--scale-unique', numberArg('scale-parts', args, 'unique'));
  let shared: SharedBlocks | null = null;
  return {
    async *open() {
      const known = (shared ??= await sharedBlocksOf(source));
      const prefixOf = (request: Request): number => {
        const { inputTokens, blocks, newTokens = inputTokens } = request;
        if (blocks === undefined) return Math.max(0, inputTokens - newTokens);
        return Math.min(inputTokens, known.leading(blocks) * blockTokensFor(source, request, OF_PARTS));
      };
      yield* stretched(source, (request) => ({ prefixTokens: prefixOf(request), prefix, behind }), OF_PARTS);
    },
  };
};

const OF_PARTS = '--scale-prefix, --scale-unique';

/** Answers `factor` times as long. */
export const scaleOutput: Transform = (source, args) => {
  const factor = factorArg('--scale-output', numberArg('scale-output', args, 'factor'));
  return {
    async *open() {
      for await (const batch of source.open())
        yield batch.map((request) => ({ ...request, outputTokens: scaledLength(request.outputTokens, factor) }));
    },
  };
};

function factorArg(option: string, factor: number): number {
  if (factor > 0 && factor <= 1000) return factor;
  throw new UserError(`${option}: got ${factor}, expected a number above 0 and up to 1000, e.g. 0.5`);
}

/** A prompt whose first tokens become so many times as many, and those behind them so many times. */
interface Stretch {
  readonly prefixTokens: number;
  readonly prefix: number;
  readonly behind: number;
}

async function* stretched(
  source: Source,
  stretchOf: (request: Request) => Stretch,
  option: string,
): AsyncGenerator<Request[]> {
  const scale = blockScaler();
  for await (const batch of source.open())
    yield batch.map((request) => {
      const stretch = stretchOf(request);
      const { prefixTokens, prefix, behind } = stretch;
      const wanted = prefixTokens * prefix + (request.inputTokens - prefixTokens) * behind;
      const scaled = withInput(source, request, scaledLength(wanted, 1), option);
      const newTokens =
        request.newTokens === undefined
          ? {}
          : { newTokens: Math.min(scaled.inputTokens, scaledLength(request.newTokens, behind)) };
      if (request.blocks === undefined) return { ...scaled, ...newTokens };
      const blockTokens = blockTokensFor(source, request, option);
      return { ...scaled, ...newTokens, blocks: scale(request, stretch, scaled.inputTokens, blockTokens) };
    });
}

/** Of how many tokens of the prompt before it the first `tokens` of a stretched one are. */
function tokensBefore({ prefixTokens, prefix, behind }: Stretch, tokens: number): number {
  const rest = tokens - prefixTokens * prefix;
  return rest <= 0 ? tokens / prefix : prefixTokens + rest / behind;
}

/** The blocks that more than one row has. */
class SharedBlocks {
  readonly #numbers = new BlockNumbers();
  /** Rows that have each, at most 2. */
  #rows = new Uint8Array(1024);

  count(blocks: readonly number[]): void {
    this.#numbers.add(blocks);
    while (this.#rows.length < this.#numbers.size) {
      const rows = new Uint8Array(2 * this.#rows.length);
      rows.set(this.#rows);
      this.#rows = rows;
    }
    for (const number of this.#numbers.row) this.#rows[number] = Math.min(2, (this.#rows[number] ?? 0) + 1);
  }

  /** How many of a row's leading blocks they are. */
  leading(blocks: readonly number[]): number {
    this.#numbers.add(blocks);
    const { row } = this.#numbers;
    const own = row.findIndex((number) => this.#rows[number] !== 2);
    return own === -1 ? row.length : own;
  }
}

async function sharedBlocksOf(source: Source): Promise<SharedBlocks> {
  const shared = new SharedBlocks();
  for await (const batch of source.open()) for (const { blocks = [] } of batch) shared.count(blocks);
  return shared;
}

/** At least 1, rounded half up. */
function scaledLength(tokens: number, factor: number): number {
  return Math.min(MAX_ROW_TOKENS, Math.max(1, Math.floor(tokens * factor + 0.5)));
}

/** More blocks than a prompt of `MAX_ROW_TOKENS` has, of one token each. */
const MOST_BLOCKS = 2 ** 24;
/** Of ids, and of prefixes, so that two of their numbers make one. */
const MOST_NUMBERS = 2 ** 26;

/**
 * A block of the scaled prompt is named by all blocks of the trace that its tokens come from, and by its place: prompts
 * begin alike as far as those do. Blocks that a row does not list, its last one in part, are its own.
 */
function blockScaler(): (request: Request, stretch: Stretch, inputTokens: number, blockTokens: number) => number[] {
  const ids = new Numbers();
  const prefixes = new Numbers();
  /** Of the prefix that is another one and a block behind it; never 0, the empty one. */
  const behind = (prefix: number, id: number): number => prefixes.of(prefix * MOST_NUMBERS + ids.of(id)) + 1;
  return ({ inputTokens: before, blocks = [], traceRow }, stretch, inputTokens, blockTokens) => {
    const listed: number[] = [];
    for (const id of blocks) listed.push(behind(listed.at(-1) ?? 0, id));
    if (listed.length < blockCount(before, blockTokens)) listed.push(behind(listed.at(-1) ?? 0, -1 - traceRow));
    return Array.from({ length: blockCount(inputTokens, blockTokens) }, (_, place) => {
      const tokens = tokensBefore(stretch, (place + 1) * blockTokens);
      const covered = Math.min(listed.length, Math.ceil(tokens / blockTokens - 1e-9));
      return (listed[covered - 1] ?? 0) * MOST_BLOCKS + place;
    });
  };
}
