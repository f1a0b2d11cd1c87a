import { UserError } from '../src/core/errors.ts';
import type { Source } from '../src/core/plan.ts';
import type { Request } from '../src/core/request.ts';
import { inBatches } from './formats/batches.ts';
import { blockScopes, renamer, type Renamer } from './namespaces.ts';

/**
 * Several traces as one, in order of time, equal times in the order of the traces: each begins at its own start, all at
 * once. Ids, sessions and what they refer to begin with `a:`, `b:`, ...; prefix blocks are of one trace alone, unless
 * `sharesBlocks`. Reads each once more for its largest block id, unless `largestBlocks` has them (-1: none). Throws a UserError for traces that do not go together.
 */
export function mergeSources(sources: readonly Source[], options: MergeSourcesOptions = {}): Source {
  const { sharesBlocks = false, largestBlocks } = options;
  const [first] = sources;
  if (first === undefined || sources.length < 2) throw new UserError('merge: name two traces or more');
  if (sources.length > MOST) throw new UserError(`merge: got ${sources.length} traces, expected at most ${MOST}`);
  const withBlocks = sources.filter(({ blockTokens }) => blockTokens !== undefined);
  const blockTokens = withBlocks[0]?.blockTokens;
  const other = withBlocks.find((source) => source.blockTokens !== blockTokens);
  if (other !== undefined)
    throw new UserError(
      `merge: prefix blocks of ${withBlocks[0]?.name} are of ${blockTokens} tokens, those of ${other.name} of ${other.blockTokens}; traces whose blocks differ in size cannot be one`,
    );
  const apart = sources.find(({ starts }) => starts !== first.starts);
  if (apart !== undefined)
    throw new UserError(
      `merge: one of ${first.name} and ${apart.name} says when its sessions start, and one does not; give the latter starts first`,
    );
  let renamers: readonly Renamer[] | null = null;
  return {
    name: sources.map(({ name }) => name).join('+'),
    format: 'rtrace',
    path: '',
    transforms: [],
    ...(blockTokens === undefined ? {} : { blockTokens }),
    ...(first.starts === undefined ? {} : { starts: first.starts }),
    async *open() {
      const names = (renamers ??= sharesBlocks
        ? renamersOf(sources.map(() => null))
        : renamersOf(blockScopes(largestBlocks ?? (await largestBlocksOf(sources)))));
      const named = sources.map((source, i) => requestsOf(source, names[i]));
      yield* inBatches(first.starts === 'none' ? oneByOne(named) : byTime(named));
    },
  };
}

/** Names of traces are letters. */
const MOST = 26;

interface MergeSourcesOptions {
  readonly sharesBlocks?: boolean;
  readonly largestBlocks?: readonly number[];
}

/** By what becomes of the blocks of each. */
function renamersOf(blocks: readonly (((id: number) => number) | null)[]): Renamer[] {
  return blocks.map((block, i) => {
    const letter = String.fromCharCode('a'.charCodeAt(0) + i);
    return renamer((id) => `${letter}:${id}`, block);
  });
}

async function largestBlocksOf(sources: readonly Source[]): Promise<number[]> {
  const largest: number[] = [];
  for (const source of sources) {
    let most = -1;
    for await (const batch of source.open())
      for (const { blocks = [] } of batch) for (const id of blocks) most = Math.max(most, id);
    largest.push(most);
  }
  return largest;
}

async function* requestsOf(source: Source, rename: Renamer | undefined): AsyncGenerator<Request> {
  for await (const batch of source.open()) for (const request of batch) yield rename?.(request) ?? request;
}

async function* oneByOne(sources: readonly AsyncGenerator<Request>[]): AsyncGenerator<Request> {
  for (const source of sources) yield* source;
}

async function* byTime(sources: readonly AsyncGenerator<Request>[]): AsyncGenerator<Request> {
  const heads: (Request | null)[] = [];
  const next = async (i: number): Promise<void> => {
    const found = await sources[i]?.next();
    heads[i] = found === undefined || found.done === true ? null : found.value;
  };
  try {
    for (const i of sources.keys()) await next(i);
    for (;;) {
      let first = -1;
      for (const [i, head] of heads.entries())
        if (head !== null && (first === -1 || head.dueUs < (heads[first]?.dueUs ?? 0))) first = i;
      const head = heads[first];
      if (head === undefined || head === null) return;
      yield head;
      await next(first);
    }
  } finally {
    for (const source of sources) await source.return(undefined);
  }
}
