import { existsSync, realpathSync } from 'node:fs';
import { UserError } from '../src/core/errors.ts';
import { checkReplaceable } from '../src/core/own-file.ts';
import type { Log } from '../src/core/log.ts';
import type { Source, WorkloadSpec } from '../src/core/plan.ts';
import type { JsonObject } from '../src/core/request.ts';
import { nativeHeader, writeTrace, type Conversion } from './convert.ts';
import { mergeSources } from './merge.ts';
import { openSource } from './open-source.ts';
import { DisorderError, requireOrder } from './order.ts';
import { applyTransforms } from './transforms/index.ts';

interface MergeOptions {
  readonly out: string;
  /** Format to write; null by the name of `out`. */
  readonly to: string | null;
  /** Blocks of the same id are the same in all of them; else each has blocks of its own. */
  readonly sharesBlocks: boolean;
  readonly log: Log;
}

/**
 * Writes several traces as one (`mergeSources`); reads each twice, and again where its rows have to be sorted first, which
 * holds them all. The header of a native trace says which files it was made of. Throws a UserError that names what is
 * wrong with a trace, the format or the file.
 */
export async function mergeTraces(specs: readonly WorkloadSpec[], options: MergeOptions): Promise<Conversion> {
  const { out, to, sharesBlocks, log } = options;
  const same = specs.find(
    ({ path }) => existsSync(out) && existsSync(path) && realpathSync(out) === realpathSync(path),
  );
  if (same !== undefined)
    throw new UserError(`OUT: ${out} is one of the traces; name the file to write behind all of them`);
  // Where that was forgotten, the last of the traces stands in its place.
  checkReplaceable(out, isMerge, 'OUT', 'that it is a merge of traces');
  const parts: Part[] = [];
  for (const spec of specs) parts.push(await readPart(spec, log));
  const source = mergeSources(
    parts.map((part) => part.source),
    { sharesBlocks, largestBlocks: parts.map(({ largestBlock }) => largestBlock) },
  );
  const origin = { format: 'merge', same_namespace: sharesBlocks, files: parts.map((part) => part.origin) };
  const badRows = parts.reduce((sum, part) => sum + part.badRows, 0);
  return writeTrace(source, origin, { out, to, log, badRows });
}

function isMerge(head: string): boolean {
  return head.slice(0, 200).includes('{"reprise_trace":1,"source":{"format":"merge"');
}

/** A trace that was read to its end, in order of time. */
interface Part {
  readonly source: Source;
  readonly largestBlock: number;
  readonly badRows: number;
  /** For the header. */
  readonly origin: JsonObject;
}

async function readPart(spec: WorkloadSpec, log: Log): Promise<Part> {
  const file = await openSource(spec.path, spec);
  let source: Source = file;
  const found = await totalsOf(file.starts === 'none' ? file : requireOrder(file)).catch(async (thrown: unknown) => {
    if (!(thrown instanceof DisorderError)) throw thrown;
    log.warn(`${thrown.message}; all rows are sorted by time first`);
    ({ source } = await applyTransforms(file, [{ op: 'sort', args: {} }]));
    return totalsOf(source);
  });
  for (const note of file.notes()) log.warn(`${file.name}: ${note}`);
  const badRows = file.badRows();
  const header = nativeHeader(file);
  return {
    source,
    largestBlock: found.largestBlock,
    badRows,
    origin: {
      file: file.name,
      format: file.format,
      sha256: (await file.sha256?.()) ?? '',
      requests: found.requests,
      bad_rows: badRows,
      // Where a native trace came from itself, and what was done to it.
      ...(header === null ? {} : { source: header['source'] ?? null, transforms: header['transforms'] ?? [] }),
    },
  };
}

async function totalsOf(source: Source): Promise<{ requests: number; largestBlock: number }> {
  const found = { requests: 0, largestBlock: -1 };
  for await (const batch of source.open()) {
    found.requests += batch.length;
    for (const { blocks = [] } of batch) for (const id of blocks) if (id > found.largestBlock) found.largestBlock = id;
  }
  return found;
}
