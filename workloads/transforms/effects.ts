import type { Source, TransformSpec } from '../../src/core/plan.ts';
import { formatMs, threeFigures, withThousands } from '../../src/core/units.ts';
import { countText } from '../../src/core/words.ts';
import { arrivalStatistics, type ArrivalStatistics } from '../inspect/arrivals.ts';
import { PrefixReuse } from '../inspect/prefix.ts';
import type { Changes } from './transform.ts';

/** What transforms change of a load, at one place between two of them; null: it is not measured there. */
interface Figures {
  readonly requests: number;
  readonly arrivals: ArrivalStatistics | null;
  readonly reuse: ReturnType<PrefixReuse['statistics']>;
  readonly hasBlocks: boolean;
  readonly meanInput: number;
  readonly meanOutput: number;
}

/** One transform of a chain, as asked for, and its own findings: before it is read, and of the last reading. */
export interface Stage {
  readonly spec: TransformSpec;
  readonly changes: Changes;
  readonly resolved: readonly string[];
  readonly read: readonly string[];
}

/** The same source, whose last reading to its end, or as far as it was read, can be measured. */
export interface Measured extends Source {
  figures(): Figures;
}

/**
 * Measures what the transform before or behind it changes, and nothing else: blocks take memory, times too. `opened` is
 * called when a reading begins.
 */
export function measured(source: Source, around: readonly (Changes | undefined)[], opened: () => void): Measured {
  // Where sessions have no starts, times are no arrivals.
  const isTimed = source.starts === undefined && around.some((changes) => changes?.arrivals);
  const isShared = around.some((changes) => changes?.reuse);
  let [requests, inputTokens, outputTokens] = [0, 0, 0];
  let hasBlocks = false;
  let dueUs: number[] = [];
  let prefix: PrefixReuse | null = null;
  return {
    ...source,
    async *open() {
      opened();
      [requests, inputTokens, outputTokens, hasBlocks] = [0, 0, 0, false];
      dueUs = [];
      prefix = isShared ? new PrefixReuse(source.blockTokens ?? null) : null;
      for await (const batch of source.open()) {
        requests += batch.length;
        for (const request of batch) {
          if (isTimed) dueUs.push(request.dueUs);
          prefix?.add(request);
          inputTokens += request.inputTokens;
          outputTokens += request.outputTokens;
          hasBlocks ||= request.blocks !== undefined;
        }
        yield batch;
      }
    },
    figures: () => ({
      requests,
      arrivals: isTimed ? arrivalStatistics(dueUs) : null,
      reuse: prefix?.statistics() ?? null,
      hasBlocks,
      meanInput: inputTokens / requests,
      meanOutput: outputTokens / requests,
    }),
  };
}

/** The same source; `atEnd` is called when it has been read to its end for the first time. */
export function onceRead(source: Source, atEnd: () => void): Source {
  let isRead = false;
  return {
    ...source,
    async *open() {
      yield* source.open();
      if (!isRead) atEnd();
      isRead = true;
    },
  };
}

/** The line that says what a transform did: its own findings, then what is another figure before and after it. */
export function effectText({ spec, resolved, read, changes }: Stage, before: Figures, after: Figures): string {
  const parts = [...resolved, ...read];
  if (before.requests !== after.requests)
    parts.push(`${withThousands(before.requests)} read -> ${countText(after.requests, 'request')}`);
  const [from, to] = [before.arrivals, after.arrivals];
  if (changes.arrivals && from !== null && to !== null)
    parts.push(
      `${change(from.rate_rps, to.rate_rps)} requests/s`,
      `CV of gaps ${change(from.iat_cv, to.iat_cv)}`,
      `variance over mean of counts in 1 s ${change(from.idc['1s'], to.idc['1s'])}, 10 s ${change(from.idc['10s'], to.idc['10s'])}, 60 s ${change(from.idc['60s'], to.idc['60s'])}`,
    );
  if (changes.lengths && before.meanInput !== after.meanInput)
    parts.push(`mean input ${change(before.meanInput, after.meanInput)} tokens`);
  if (changes.lengths && before.meanOutput !== after.meanOutput)
    parts.push(`mean output ${change(before.meanOutput, after.meanOutput)} tokens`);
  if (changes.reuse && before.reuse !== null)
    parts.push(`prefix reuse ${change(before.reuse.max_hit_ratio, after.reuse?.max_hit_ratio ?? null)}`);
  if (!changes.reuse && changes.arrivals && before.hasBlocks) parts.push('order and prefix reuse stay');
  return `${optionText(spec)}: ${parts.length === 0 ? 'nothing changed' : parts.join('; ')}`;
}

function change(from: number | null, to: number | null): string {
  return `${figure(from)} -> ${figure(to)}`;
}

function figure(value: number | null): string {
  return value === null ? '-' : threeFigures(value);
}

/** `--thin 0.5`, as the user wrote it: its first argument. */
function optionText({ op, args }: TransformSpec): string {
  if (op === 'scale-parts') return `--scale-prefix ${args['prefix']} --scale-unique ${args['unique']}`;
  if (op !== 'window') return `--${op} ${Object.values(args)[0] ?? ''}`.trimEnd();
  const { from_us: fromUs, to_us: toUs } = args;
  const from = fromUs === 0 ? 'start' : formatMs(Number(fromUs) / 1000);
  return `--window ${from} .. ${toUs === undefined ? 'end' : formatMs(Number(toUs) / 1000)}`;
}
