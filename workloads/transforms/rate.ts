import { UserError } from '../../src/core/errors.ts';
import type { Source } from '../../src/core/plan.ts';
import { formatMs, threeFigures } from '../../src/core/units.ts';
import { arrivalStatistics } from '../inspect/arrivals.ts';
import { spedUp, speed } from './speed.ts';
import { numberArg, type Transform } from './transform.ts';

/**
 * The same requests at a mean rate of `rps`: time runs faster or slower, so that every gap keeps its share, the order
 * stays, and with it the prefix reuse. The mean rate is (n - 1) / (last - first), as `trace inspect` has it. The source
 * is read once more, the first time it is opened, and its times are held meanwhile.
 */
export const rate: Transform = (source, args, say) => {
  const rps = numberArg('rate', args, 'rps');
  if (!(rps > 0)) throw new UserError(`--rate: got ${rps}, expected a number of requests a second above 0`);
  let factor: number | null = null;
  return async function* () {
    factor ??= await speedFor(source, rps, say);
    yield* speed(source, { factor }, say)();
  };
};

/** How much faster the source's time has to run; says what that does to its bursts. */
async function speedFor(source: Source, rps: number, say: (text: string) => void): Promise<number> {
  const dueUs: number[] = [];
  for await (const batch of source.open()) for (const request of batch) dueUs.push(request.dueUs);
  const before = arrivalStatistics(dueUs);
  if (before.rate_rps === null)
    throw new UserError(
      `--rate: ${source.name} has no rate to change: ${dueUs.length === 1 ? 'it has one request' : `its ${dueUs.length} requests are due at one time`}`,
    );
  const factor = rps / before.rate_rps;
  const after = arrivalStatistics(dueUs.map((us) => spedUp(us, factor, `--rate ${rps}`)));
  const spans = `${formatMs(before.duration_s * 1000)} become ${formatMs(after.duration_s * 1000)}`;
  const change = (from: number | null, to: number | null): string => `${figure(from)} -> ${figure(to)}`;
  say(
    `--rate ${rps}: time runs ${threeFigures(factor)} times as fast, ${change(before.rate_rps, after.rate_rps)} requests/s (${spans}); ` +
      `CV of gaps ${change(before.iat_cv, after.iat_cv)}, variance over mean of counts in 10 s ${change(before.idc['10s'], after.idc['10s'])}; ` +
      'order and prefix reuse stay as they are',
  );
  return factor;
}

function figure(value: number | null): string {
  return value === null ? '-' : threeFigures(value);
}
