import { existsSync, realpathSync } from 'node:fs';
import { UserError } from '../src/core/errors.ts';
import type { Log } from '../src/core/log.ts';
import type { Source, TransformSpec, WorkloadSpec } from '../src/core/plan.ts';
import type { JsonObject, Request } from '../src/core/request.ts';
import { withThousands } from '../src/core/units.ts';
import { counted } from './counted.ts';
import { isJsonObject } from './formats/body-params.ts';
import { namesText } from './formats/format.ts';
import { parseJson } from './formats/json-lines.ts';
import { openSource, type OpenedSource } from './open-source.ts';
import { DisorderError, requireOrder } from './order.ts';
import { applyTransforms } from './transforms/index.ts';
import { WRITERS } from './writers/index.ts';
import { TraceFile } from './writers/trace-file.ts';
import type { OpenWriter, TraceWriter, WrittenTotals } from './writers/writer.ts';
import { rowId } from './row-id.ts';

/** What was written. */
export interface Conversion extends WrittenTotals {
  readonly format: string;
}

/** The writer that `--to` names, or the end of a file's name: `.csv` is Azure's, all else native. */
function writerOf(to: string | null, out: string): TraceWriter {
  const name = to ?? (/\.csv(?:\.gz)?$/i.test(out) ? 'azure' : 'native');
  const writer = WRITERS.find((each) => each.name === name);
  if (writer !== undefined) return writer;
  throw new UserError(`--to: got "${name}", expected ${WRITERS.map((each) => each.name).join(', ')}`);
}

/**
 * Writes a trace with its transforms as a file of another format; reads it once, and again where its rows have to be sorted
 * first, which alone holds them all. `to`: null by the name of `out`. Warns once of each thing that the format cannot hold.
 * Throws a UserError that names what is wrong with the trace, the format or the file.
 */
export async function convertTrace(spec: WorkloadSpec, out: string, to: string | null, log: Log): Promise<Conversion> {
  const writer = writerOf(to, out);
  // Each reading of the file comes by the same rows: those behind the furthest are new.
  const bad = { rows: 0, lastLine: 0 };
  const file = await openSource(spec.path, {
    ...spec,
    onSkipped({ line }) {
      if (line <= bad.lastLine) return;
      bad.rows++;
      bad.lastLine = line;
    },
  });
  if (existsSync(out) && realpathSync(out) === realpathSync(spec.path))
    throw new UserError(`OUT: ${out} is the trace itself; name another file`);
  const target = new TraceFile(out);
  try {
    const needsOrder = spec.transforms[0]?.op !== 'sort' && file.starts !== 'none';
    const write = (transforms: readonly TransformSpec[], isOrdered: boolean): Promise<WrittenTotals> =>
      written(isOrdered ? file : requireOrder(file), {
        path: file.path,
        sha256: async () => (await file.sha256?.()) ?? '',
        header: nativeHeader(file),
        bad,
        transforms,
        writer,
        target,
        log,
      });
    const totals = await write(spec.transforms, !needsOrder)
      .catch((thrown: unknown) => {
        if (!(thrown instanceof DisorderError)) throw thrown;
        log.warn(`${thrown.message}; all rows are sorted by time first`);
        return write([{ op: 'sort', args: {} }, ...spec.transforms], true);
      })
      .finally(() => {
        for (const note of file.notes()) log.warn(`${file.name}: ${note}`);
      });
    return { ...totals, format: writer.name };
  } catch (thrown) {
    target.abandon();
    throw thrown;
  }
}

interface WriteOptions {
  readonly out: string;
  /** Null by the name of `out`. */
  readonly to: string | null;
  readonly log: Log;
  /** Rows of what the requests were read from that could not be; absent: none. */
  readonly badRows?: number;
}

/**
 * Writes requests that were made, or are of several traces, in order of time. `origin`: what the header of a native trace
 * says of how. Throws as `convertTrace` does.
 */
export async function writeTrace(
  source: Source,
  origin: JsonObject,
  { out, to, log, badRows = 0 }: WriteOptions,
): Promise<Conversion> {
  const writer = writerOf(to, out);
  const target = new TraceFile(out);
  try {
    const totals = await written(source, {
      path: source.name,
      sha256: () => Promise.resolve(''),
      header: { source: origin },
      bad: { rows: badRows },
      transforms: [],
      writer,
      target,
      log,
    });
    return { ...totals, format: writer.name };
  } catch (thrown) {
    target.abandon();
    throw thrown;
  }
}

interface Writing {
  /** For messages. */
  readonly path: string;
  sha256(): Promise<string>;
  /** Of a native trace, whose origin it says. */
  readonly header: JsonObject | null;
  readonly bad: { readonly rows: number };
  readonly transforms: readonly TransformSpec[];
  readonly writer: TraceWriter;
  readonly target: TraceFile;
  readonly log: Log;
}

async function written(from: Source, writing: Writing): Promise<WrittenTotals> {
  const { path, header, bad, transforms, writer, target, log } = writing;
  if (from.starts === 'none' && writer.name !== 'native')
    throw new UserError(
      `--to ${writer.name}: ${from.name} has no times of arrival, which only a native trace can do without`,
    );
  let rows = 0;
  const read: Source = {
    ...from,
    async *open() {
      rows = 0;
      for await (const batch of from.open()) {
        rows += batch.length;
        yield batch;
      }
    },
  };
  const { source } = await applyTransforms(read, transforms, log);
  const opened = writer.open({ source, transforms: source.transforms, header });
  target.begin(opened.header(null));
  const lost = new Map<string, number>();
  const holds: ReadonlySet<string> = writer.holds;
  const holdsAll = Object.keys(NAMES).every((key) => holds.has(key));
  const totals = { requests: 0, inputTokens: 0, outputTokens: 0 };
  for await (const batch of counted(source, (text) => log.info(text)).open()) {
    target.add(linesOf(batch, opened));
    for (const request of batch) {
      totals.inputTokens += request.inputTokens;
      totals.outputTokens += request.outputTokens;
      totals.requests++;
      if (!holdsAll) countLost(request, totals.requests - 1, holds, lost);
    }
  }
  if (totals.requests === 0) throw new UserError(`${path}: there is no request in it to write`);
  const sha256 = await writing.sha256();
  const all = { ...totals, sha256, rows, badRows: bad.rows };
  target.finish(opened.header(all));
  if (lost.size > 0)
    log.warn(`--to ${writer.name}: left out, since the format has no place for them: ${lostText(lost)}`);
  for (const note of opened.notes) log.info(note);
  return all;
}

function linesOf(batch: readonly Request[], { line }: OpenWriter): string {
  let text = '';
  for (const request of batch) text += line(request);
  return text;
}

/** The first line of a native trace; null of another. */
export function nativeHeader({ format, firstLine }: OpenedSource): JsonObject | null {
  const found = format === 'rtrace' ? parseJson(firstLine) : null;
  return isJsonObject(found) ? found : null;
}

/** What every format holds, and where a request stood, which is that of the new file. */
const EVERYWHERE: ReadonlySet<string> = new Set(['traceRow', 'dueUs', 'inputTokens', 'outputTokens', 'id']);

function countLost(request: Request, seq: number, holds: ReadonlySet<string>, lost: Map<string, number>): void {
  for (const key in request) if (!EVERYWHERE.has(key) && !holds.has(key)) lost.set(key, (lost.get(key) ?? 0) + 1);
  if (!holds.has('id') && request.id !== rowId(seq)) lost.set('id', (lost.get('id') ?? 0) + 1);
}

/** As users call what a request has. */
const NAMES: Readonly<Record<string, string>> = {
  id: 'ids',
  session: 'sessions',
  turn: 'turns',
  parent: 'parents',
  after: 'think times',
  agent: 'agents',
  newTokens: 'new tokens',
  sloClass: 'classes',
  model: 'models',
  user: 'users',
  blocks: 'prefix blocks',
  prompt: 'prompts',
  payload: 'bodies',
  params: 'parameters',
  media: 'images',
  isEstimated: 'that lengths are estimates',
  source: "the source's latencies",
  extra: 'other columns',
};

function lostText(lost: ReadonlyMap<string, number>): string {
  return [...lost].map(([key, count]) => `${NAMES[key] ?? namesText([key])} (${withThousands(count)})`).join(', ');
}
