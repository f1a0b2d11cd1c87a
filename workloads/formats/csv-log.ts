import { namedUnit, namesByRole, type NamedUnit } from './column-names.ts';
import { cellsOf, csvNotes, csvRequests, type Columns } from './csv-rows.ts';
import { absoluteTimeToUs, isAbsoluteTime, numberToUs, tokenCount } from './fields.ts';
import { namesText, type Format } from './format.ts';

/** So many rows tell whether times are dates. */
const FEW = 100;

/** Where a log has what a trace needs. */
interface LogColumns {
  readonly time: string;
  readonly input: string;
  readonly output: string;
  /** Unit of the times; null: each says by itself what it is. */
  readonly unit: NamedUnit | null;
}

/**
 * Logs of gateways and traces of other tools as CSV, by the usual names of their columns: one column for the time of
 * arrival, one for each length, and times whose unit is certain: dates, seconds or less since 1970, or a unit in the
 * column's name. Where that is not so, the file is refused.
 */
export const csvLog: Format = {
  name: 'csv-log',
  begins: 'startTime,prompt_tokens,completion_tokens',
  matches(head, rows) {
    const names = cellsOf(head);
    const log = logColumns(names);
    if (log === null) return false;
    if (log.unit !== null) return true;
    return rows.slice(0, FEW).some((row) => isAbsoluteTime(cellsOf(row)[names.indexOf(log.time)] ?? ''));
  },
  timeUnit: (head) => namedUnit(logColumns(cellsOf(head))?.time ?? ''),
  notes(head) {
    const names = cellsOf(head);
    const unit = logColumns(names)?.unit ?? null;
    const columns = columnsOf(names);
    const [time, input, output] = columns.map(({ name }) => namesText([name]));
    const used = `${time} as arrival${unit === null ? '' : ` (in ${unit})`}, ${input} as input tokens, ${output} as output tokens`;
    return [`columns used: ${used}`, ...csvNotes(head, columns)];
  },
  read: (text, rows) => csvRequests(text, rows, columnsOf),
};

/** Null where a column is missing, or where several could be it. */
export function logColumns(names: readonly string[]): LogColumns | null {
  const named = namesByRole(names);
  const [[time, ...times], [input, ...inputs], [output, ...outputs]] = [named.time, named.input, named.output];
  if (time === undefined || input === undefined || output === undefined) return null;
  if (times.length + inputs.length + outputs.length > 0) return null;
  return { time, input, output, unit: namedUnit(time) };
}

function columnsOf(names: readonly string[]): Columns {
  const log = logColumns(names);
  if (log === null) throw new Error('a log without its columns');
  const { time, input, output, unit } = log;
  return [
    { name: time, read: unit === null ? absoluteTimeToUs : (name, value) => numberToUs(name, value, unit) },
    { name: input, read: tokenCount },
    { name: output, read: tokenCount },
  ];
}
