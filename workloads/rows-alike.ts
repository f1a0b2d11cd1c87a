import { withThousands } from '../src/core/units.ts';
import { foreignForm, keysIn, sessionForm } from './foreign-forms.ts';
import type { Request } from '../src/core/request.ts';
import type { BadRow, LeftOut } from './formats/format.ts';

/** So many different faults are counted apart: a message may hold a part of its row. */
const MOST_FAULTS = 1000;
/** Above this share of bad rows, what is left is another load than the trace's. */
const MANY = 0.1;

const CACHED_OF_UNKNOWN =
  'no_prefix_blocks: a cache held a part of the prompt, and nothing says which others begin alike: here none does, and a prefix cache finds nothing (--sessions think --history live has the turns of a session share)';

/** What one reading of a file finds, as far as it goes: how many rows can be read, what is wrong with the others, their keys. */
export class RowSurvey {
  /** Keys or columns of all rows, those that cannot be read too. */
  readonly keys = new Set<string>();
  readonly faults = new Map<string, number>();
  /** Rows that are sound and no requests to replay, by reason. */
  readonly leftOut = new Map<string, number>();
  /** What to know of how rows were read. */
  readonly remarks = new Map<string, number>();
  good = 0;
  bad = 0;
  missingTimes = 0;
  firstBad: BadRow | null = null;
  /** Whether the file was read to its end. */
  isComplete = false;

  addBad(row: BadRow): void {
    this.bad++;
    this.firstBad ??= row;
    if (row.message.startsWith('missing_time')) this.missingTimes++;
    const named = faultOf(row);
    const fault = this.faults.size < MOST_FAULTS || this.faults.has(named) ? named : 'other faults';
    this.faults.set(fault, (this.faults.get(fault) ?? 0) + 1);
  }

  addGood(batch: readonly Request[]): void {
    this.good += batch.length;
    for (const { source, blocks, prompt, payload } of batch)
      if ((source?.cachedTokens ?? 0) > 0 && blocks === undefined && prompt === undefined && payload === undefined)
        this.addRemark(CACHED_OF_UNKNOWN);
  }

  addLeftOut({ reason }: LeftOut): void {
    this.leftOut.set(reason, (this.leftOut.get(reason) ?? 0) + 1);
  }

  addRemark(text: string): void {
    this.remarks.set(text, (this.remarks.get(text) ?? 0) + 1);
  }

  get rows(): number {
    return this.good + this.bad;
  }
}

/** Why the bad rows of a file should not be left out. */
export interface BadRowsDoubt {
  readonly text: string;
  /** Whether it is another file than it seems, not one with many bad rows. */
  readonly isWrongForm: boolean;
}

/**
 * Whether a file is another than it seems, or so many of its rows are bad that the rest is another load. Null where its
 * rows are sound but for a few. `lines`: its first ones.
 */
export function badRowsDoubt(format: string, lines: readonly string[], survey: RowSurvey): BadRowsDoubt | null {
  const { rows, bad, faults } = survey;
  if (bad === 0) return null;
  const isMost = bad > rows / 2;
  const form = isMost || survey.missingTimes > 0 ? formOf(format, lines, survey) : null;
  if (form !== null) return { text: form, isWrongForm: true };
  // A single bad row is not a share of anything, however short the file is.
  if (!isMost && (bad === 1 || bad <= rows * MANY)) return null;
  if (rows === 1) return { text: 'it is the only row', isWrongForm: true };
  const [fault, alike] = [...faults].toSorted(([, a], [, b]) => b - a)[0] ?? ['', 0];
  const all = `${survey.isComplete ? '' : 'the first '}${withThousands(rows)}`;
  const count = bad === rows ? `all ${survey.isComplete ? '' : 'of '}${all}` : `${withThousands(bad)} of ${all}`;
  const sameFault = alike === bad ? 'all' : withThousands(alike);
  const failed = `${isMost ? 'most' : 'many'} of the requests have nothing to replay: they failed, or the file does not hold what this column should; write a trace without them if that is the load you mean`;
  const means = fault.startsWith('zero_length')
    ? failed
    : isMost
      ? 'the file is of another form than its first line says, or its columns are mixed up'
      : 'the rows that are left would be another load than the trace: correct them in the file';
  return {
    text: `${count} rows cannot be read as ${format}, ${sameFault} of them for one reason (${fault}): ${means}`,
    isWrongForm: isMost,
  };
}

/** The form that the keys of the first lines and of all rows tell, those of later turns without times among them. */
function formOf(format: string, lines: readonly string[], { keys, missingTimes }: RowSurvey): string | null {
  const isJson = lines[0]?.trimStart().startsWith('{') === true;
  const known = isJson ? foreignForm(new Set([...keysIn(lines), ...keys]), format) : null;
  return known ?? (missingTimes > 0 ? sessionForm([...keys]) : null);
}

/** The fault and the field, without the value: `missing_time: timestamp`. */
function faultOf({ message }: BadRow): string {
  const fault = message.replace(/^truncated_last_line: [^:]*: /, '');
  const named = /^(\w+: )?[^,:;]{1,60}? is /.exec(fault)?.[0].slice(0, -4) ?? /^\w+(?=: )/.exec(fault)?.[0];
  return named ?? fault.replaceAll(/\d+/g, 'N').slice(0, 60);
}
