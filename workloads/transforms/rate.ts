import { UserError } from '../../src/core/errors.ts';
import { formatMs, threeFigures } from '../../src/core/units.ts';
import { arrivalStatistics } from '../inspect/arrivals.ts';
import { scaleUs } from './speed.ts';
import { numberArg, type ResolvingTransform } from './transform.ts';

/**
 * The same requests at a mean rate of `rps`, by `speed`: time runs faster or slower, so that every gap keeps its share,
 * the order stays, and with it the prefix reuse. The mean rate is (n - 1) / (last - first), as `trace inspect` has it.
 * The due times are held while the source is read.
 */
export const rate: ResolvingTransform = async (source, args, log) => {
  const rps = numberArg('rate', args, 'rps');
  if (!(rps > 0)) throw new UserError(`--rate: got ${rps}, expected a number of requests a second above 0`);
  const dueUs: number[] = [];
  for await (const batch of source.open()) for (const request of batch) dueUs.push(request.dueUs);
  const before = arrivalStatistics(dueUs);
  if (before.rate_rps === null)
    throw new UserError(
      `--rate: ${source.name} has no rate to change: ${dueUs.length === 1 ? 'it has one request' : `its ${dueUs.length} requests are due at one time`}`,
    );
  const factor = rps / before.rate_rps;
  const after = arrivalStatistics(dueUs.map((us) => scaleUs(us, factor, `--rate ${rps}`)));
  const spans = `${formatMs(before.duration_s * 1000)} become ${formatMs(after.duration_s * 1000)}`;
  const change = (from: number | null, to: number | null): string => `${figure(from)} -> ${figure(to)}`;
  log.warn(
    `--rate ${rps}: time runs ${threeFigures(factor)} times as fast, ${change(before.rate_rps, after.rate_rps)} requests/s (${spans}); ` +
      `CV of gaps ${change(before.iat_cv, after.iat_cv)}, variance over mean of counts in 10 s ${change(before.idc['10s'], after.idc['10s'])}; ` +
      'order and prefix reuse stay as they are',
  );
  const { rps: _, ...others } = args;
  return { op: 'speed', args: { factor, ...others } };
};

function figure(value: number | null): string {
  return value === null ? '-' : threeFigures(value);
}
