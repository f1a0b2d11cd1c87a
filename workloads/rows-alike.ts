import { UserError } from '../src/core/errors.ts';
import { withThousands } from '../src/core/units.ts';
import { foreignForm } from './foreign-forms.ts';
import type { BadRow, Format } from './formats/format.ts';

/** So many rows show whether a file is of a form. */
const FEW = 1000;

/**
 * What is wrong with a file of which most of the first rows cannot be read, or rows of a form that no reader takes:
 * then the file is another than it seems, and leaving rows out would leave little of it. Null where its rows are sound
 * but for some.
 */
export async function wrongForm(
  format: Format,
  lines: readonly string[],
  blockTokens: number | null,
): Promise<string | null> {
  const sample = lines.slice(0, FEW);
  const bad: BadRow[] = [];
  let rows = 0;
  const text = (async function* () {
    yield `${sample.join('\n')}\n`;
  })();
  try {
    for await (const _ of format.read(text, { path: '', blockTokens, bad: (row) => bad.push(row) })) rows++;
  } catch (thrown) {
    // What ends the whole file is told when it is read.
    if (thrown instanceof UserError) return null;
    throw thrown;
  }
  if (bad.length === 0) return null;
  rows += bad.length;
  const isMost = bad.length > rows / 2;
  const form = isMost || bad.some(({ message }) => message.startsWith('missing_time')) ? foreignForm(sample) : null;
  if (form !== null) return form;
  if (!isMost) return null;
  if (rows === 1) return 'it is the only row';
  const faults = Map.groupBy(bad, faultOf);
  const [fault = '', alike = []] = [...faults].toSorted(([, a], [, b]) => b.length - a.length)[0] ?? [];
  const all = withThousands(rows);
  const count = bad.length === rows ? `all of the first ${all}` : `${withThousands(bad.length)} of the first ${all}`;
  const sameFault = alike.length === bad.length ? 'all' : withThousands(alike.length);
  const means = fault.startsWith('zero_length')
    ? 'most of the requests have nothing to replay: they failed, or the file does not hold what this column should'
    : 'the file is of another form than its first line says, or its columns are mixed up';
  return `${count} rows cannot be read as ${format.name}, ${sameFault} of them for one reason (${fault}): ${means}`;
}

/** The fault and the field, without the value: `missing_time: timestamp`. */
function faultOf({ message }: BadRow): string {
  const fault = message.replace(/^truncated_last_line: [^:]*: /, '');
  const named = /^(\w+: )?[^,:;]{1,60}? is /.exec(fault)?.[0].slice(0, -4) ?? /^\w+(?=: )/.exec(fault)?.[0];
  return named ?? fault.replaceAll(/\d+/g, 'N').slice(0, 60);
}
