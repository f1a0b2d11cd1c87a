import { randomStream, standardNormal, uniform, type Random } from '../../src/core/random.ts';
import { ln } from '../../src/core/portable-math.ts';
import { studentTTail } from '../../src/core/student-t.ts';
import { nightLevel } from '../../src/trend/baseline.ts';
import { cusumOf, FIRST_NIGHTS } from '../../src/trend/cusum.ts';
import { changePoints } from '../../src/trend/e-divisive.ts';

/** Draws the logarithm of a figure on one night. */
export type DrawNight = (random: Random) => number;

/** Nights with a spread of 1 %, of which a share goes 5 to 15 spreads off, to either side. */
export function normalNights(outliers: number, spread = 0.01): DrawNight {
  return (random) => {
    const isOutlier = uniform(random) < outliers;
    const off = isOutlier ? (5 + 10 * uniform(random)) * (uniform(random) < 0.5 ? -1 : 1) : 0;
    return spread * (standardNormal(random) + off);
  };
}

export interface FalseAlarms {
  /** For each 100 nights. */
  readonly cusum: number;
  /** Of a rule that raises each night beyond mean and 3 standard deviations of the first nights. */
  readonly plain: number;
}

/** How often nights of one level raise an alarm. */
export function falseAlarms(draw: DrawNight, { histories = 300, nights = 200 } = {}): FalseAlarms {
  const random = randomStream(1, 'trend', 'false alarms');
  let [cusum, plain] = [0, 0];
  for (let i = 0; i < histories; i++) {
    const values = Array.from({ length: nights }, () => draw(random));
    cusum += cusumOf(values).alarms.length;
    plain += plainAlarms(values);
  }
  const per100 = 100 / (histories * nights);
  return { cusum: cusum * per100, plain: plain * per100 };
}

function plainAlarms(values: readonly number[]): number {
  const first = values.slice(0, FIRST_NIGHTS);
  const mean = first.reduce((sum, value) => sum + value, 0) / first.length;
  const sd = Math.sqrt(first.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (first.length - 1));
  return values.slice(FIRST_NIGHTS).filter((value) => Math.abs(value - mean) > 3 * sd).length;
}

export interface Found {
  /** Share of changes that are raised within four nights, and within ten. */
  readonly within4: number;
  readonly within10: number;
  /** Nights until it is raised, the middle of all; the change's first night is 1. */
  readonly nights: number;
  /** Share of those raised that are dated to the very night, and to within one. */
  readonly dated: number;
  readonly datedWithin1: number;
}

/** How soon a change after so many nights is raised, and how well it is dated then. */
export function findings(before: DrawNight, after: DrawNight, { histories = 300, change = 30 } = {}): Found {
  const random = randomStream(1, 'trend', 'findings');
  const delays: number[] = [];
  let [dated, datedWithin1] = [0, 0];
  for (let i = 0; i < histories; i++) {
    const values = Array.from({ length: change + 40 }, (_, night) => (night < change ? before : after)(random));
    const alarm = cusumOf(values).alarms.find(({ at }) => at >= change);
    delays.push(alarm === undefined ? Infinity : alarm.at - change + 1);
    if (alarm === undefined) continue;
    const off = Math.min(...changePoints(values.slice(0, alarm.at + 1)).map((at) => Math.abs(at - change)));
    if (off === 0) dated++;
    if (off <= 1) datedWithin1++;
  }
  const share = (of: number): number => of / histories;
  return {
    within4: share(delays.filter((delay) => delay <= 4).length),
    within10: share(delays.filter((delay) => delay <= 10).length),
    nights: delays.toSorted((a, b) => a - b)[Math.floor(histories / 2)] ?? Infinity,
    dated: share(dated),
    datedWithin1: share(datedWithin1),
  };
}

export interface Judged {
  /** Nights before the one that is judged. */
  readonly earlier: number;
  /** Place of the accepted one; the first, or one that stands alone behind a change. */
  readonly isAlone: boolean;
}

/** How often one night is called better or worse at margin 0. */
export function verdicts(before: DrawNight, tonight: DrawNight, { earlier, isAlone }: Judged, draws = 2000): number {
  const random = randomStream(1, 'trend', 'verdicts', earlier);
  let claimed = 0;
  for (let i = 0; i < draws; i++) {
    const values = Array.from({ length: earlier }, () => before(random));
    // Alone: the level is that of one night, the spread that of another branch.
    const level = isAlone ? nightLevel([before(random)], 0, values) : nightLevel(values, 0);
    if (level === null) continue;
    const { lnCentre, lnSd, nights, df } = level;
    const off = Math.abs(tonight(random) - lnCentre);
    const error = lnSd * Math.sqrt(1 + 1 / nights);
    if (error === 0 ? off > 0 : 2 * studentTTail(off / error, df) <= 0.05) claimed++;
  }
  return claimed / draws;
}

/** Draws from runs of one system. */
export function drawFrom(values: readonly number[]): DrawNight {
  const logarithms = values.map(ln);
  return (random) => logarithms[Math.floor(uniform(random) * logarithms.length)] ?? 0;
}
