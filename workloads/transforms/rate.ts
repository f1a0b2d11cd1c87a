import { UserError } from '../../src/core/errors.ts';
import type { Source, TransformSpec } from '../../src/core/plan.ts';
import { meanRate } from '../../src/core/rate.ts';
import { threeFigures } from '../../src/core/units.ts';
import { copies } from './copies.ts';
import { sampleSessions } from './sample-sessions.ts';
import { scaleUs } from './speed.ts';
import { thin } from './thin.ts';
import { choiceArg, numberArg, UNHEARD, type Args, type ResolvingTransform } from './transform.ts';

/** How a rate is reached: all times scaled alike; whole sessions left out or added; requests left out, copies added. */
export const RATE_BY = ['time', 'sessions', 'superpose'] as const;

/**
 * The mean rate `rps`, (n - 1) / (last - first) as `trace inspect` has it. By `time`: time runs faster or slower, so that
 * every gap keeps its share, the order stays, and with it the prefix reuse. By `sessions` or `superpose`: a sample of the
 * trace, or copies of it at other times and a sample of one more, in which time keeps its pace but for what chance made of
 * the rate. Reads the source once, by the latter two ways twice.
 */
export const rate: ResolvingTransform = async (source, args, { say }) => {
  const rps = numberArg('rate', args, 'rps');
  if (!(rps > 0)) throw new UserError(`--rate: got ${rps}, expected a number of requests a second above 0`);
  const by = choiceArg('rate', args, 'by', RATE_BY);
  const before = await paceOf(source, '--rate');
  const made = by === 'time' ? null : madeBy(by, rps / before.rps, args);
  const changed = made === null ? source : { ...source, ...made.apply(source, made.spec.args, UNHEARD) };
  const { rps: reached, lastUs } = made === null ? before : await paceOf(changed, `--rate ${rps} --rate-by ${by}`);
  const factor = rps / reached;
  // Said of the rate here, rather than of a speed that nobody gave.
  scaleUs(lastUs, factor, `--rate ${rps}`);
  if (made !== null) say?.(made.is);
  say?.(`time runs ${threeFigures(factor)} times as fast`);
  const think = args['scale_think'];
  const speed = { op: 'speed', args: { factor, ...(think === undefined ? {} : { scale_think: think }) } };
  return made === null ? [speed] : [made.spec, speed];
};

function madeBy(
  by: 'sessions' | 'superpose',
  times: number,
  args: Args,
): { apply: typeof thin; spec: TransformSpec; is: string } {
  const seed = numberArg('rate', args, 'seed');
  const percent = `${threeFigures(times * 100)} % of the`;
  if (times > 1) {
    const sample = by === 'sessions' ? 'sessions' : 'requests';
    const spec = { op: 'copies', args: { copies: times, times: 'shifted', blocks: 'fresh', sample, seed } };
    return { apply: copies, spec, is: `${threeFigures(times)} copies at other times` };
  }
  if (by === 'superpose')
    return { apply: thin, spec: { op: 'thin', args: { share: times, seed } }, is: `${percent} requests` };
  return {
    apply: sampleSessions,
    spec: { op: 'sample-sessions', args: { share: times, seed } },
    is: `${percent} sessions`,
  };
}

async function paceOf(source: Source, option: string): Promise<{ rps: number; lastUs: number }> {
  let [requests, firstUs, lastUs] = [0, 0, 0];
  for await (const batch of source.open())
    for (const { dueUs } of batch) {
      if (requests++ === 0) firstUs = dueUs;
      lastUs = dueUs;
    }
  const found = meanRate(requests, firstUs, lastUs);
  if (found !== null) return { rps: found, lastUs };
  const why = requests === 1 ? 'it has one request' : `its ${requests} requests are due at one time`;
  throw new UserError(`${option}: ${source.name} has no rate to change: ${why}`);
}
