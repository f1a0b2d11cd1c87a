import { formatMs, withThousands } from '../../src/core/units.ts';

/** Below this number of requests, a pattern in their times means nothing. */
const FEW = 100;

/** Formats whose files do not name the unit of their times, with the units that users confuse with it. */
const UNITS: Readonly<Record<string, { unit: string; isShort?: string; isLong: string }>> = {
  mooncake: { unit: 'milliseconds', isShort: 'seconds', isLong: 'microseconds' },
  csv: { unit: 'seconds', isLong: 'milliseconds' },
};
const SHORT_US = 5e6;
const LONG_US = 30 * 86_400e6;

/** Warnings about the times of a trace, which are in order. */
export function arrivalWarnings(dueUs: readonly number[], mostAtOneTime: number, format: string): string[] {
  return [clumped(dueUs, mostAtOneTime), unitSuspect(dueUs, format)].filter((warning) => warning !== null);
}

/** Warns of rounded times: most requests then share their time with others. */
function clumped(dueUs: readonly number[], mostAtOneTime: number): string | null {
  const gapsUs: number[] = [];
  for (let i = 1; i < dueUs.length; i++) {
    const gapUs = (dueUs[i] ?? 0) - (dueUs[i - 1] ?? 0);
    if (gapUs > 0) gapsUs.push(gapUs);
  }
  const distinct = gapsUs.length + 1;
  if (dueUs.length < FEW || distinct > dueUs.length / 2) return null;
  const usual = gapsUs.sort((a, b) => a - b)[Math.floor(gapsUs.length / 2)];
  const apart = usual === undefined ? '' : `, ${formatMs(usual / 1000)} apart`;
  return (
    `clumped: ${withThousands(dueUs.length)} requests stand at ${withThousands(distinct)} distinct times${apart}, ` +
    `up to ${mostAtOneTime} at one time: the source rounded its times, so a replay sends bursts that its users did not, ` +
    'and iat_cv and idc.1s measure the rounding'
  );
}

function unitSuspect(dueUs: readonly number[], format: string): string | null {
  const known = Object.hasOwn(UNITS, format) ? UNITS[format] : undefined;
  if (known === undefined) return null;
  const spanUs = (dueUs.at(-1) ?? 0) - (dueUs[0] ?? 0);
  const isShort = spanUs < SHORT_US && dueUs.length >= FEW;
  const other = spanUs > LONG_US ? known.isLong : isShort ? known.isShort : undefined;
  if (other === undefined) return null;
  const span = spanUs > LONG_US ? `${withThousands(Math.floor(spanUs / 86_400e6))} days` : formatMs(spanUs / 1000);
  return `unit_suspect: ${withThousands(dueUs.length)} requests span ${span} when times are read as ${known.unit}, as format ${format} has them; are they ${other}?`;
}
