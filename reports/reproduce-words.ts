import type {
  ReproduceCheck,
  ReproduceDistance,
  ReproducedExperiment,
  ReproducePart,
  ReproduceReport,
} from '../src/schema/reproduce.ts';
import { threeFigures } from '../src/core/units.ts';
import { countText } from '../src/core/words.ts';

export const CHECK_GLYPHS = { holds: '✓', 'does-not-hold': '✗', 'not-comparable': '–' } as const;
export const CHECK_WORDS = {
  holds: 'holds',
  'does-not-hold': 'does not hold',
  'not-comparable': 'not comparable',
} as const;

interface Answer {
  readonly tone: 'met' | 'missed' | 'none';
  readonly glyph: string;
  readonly sentence: string;
}

export type Counts = Readonly<Record<ReproduceCheck['verdict'], number>>;

/** How many shapes hold, of some checks. */
export function countsOf(checks: readonly ReproduceCheck[]): Counts {
  const of = (verdict: ReproduceCheck['verdict']): number => checks.filter((check) => check.verdict === verdict).length;
  return { holds: of('holds'), 'does-not-hold': of('does-not-hold'), 'not-comparable': of('not-comparable') };
}

export function checksOf({ parts }: Pick<ReproducedExperiment, 'parts'>): readonly ReproduceCheck[] {
  return parts.flatMap(({ checks }) => checks);
}

/** `7 of 9 shapes hold, 2 do not; 1 is not comparable`. */
export function countsText({ holds, 'does-not-hold': not, 'not-comparable': other }: Counts): string {
  const judged = holds + not;
  const first =
    judged === 0
      ? 'no shape could be judged'
      : not === 0
        ? `${judged === 1 ? 'the one shape' : `all ${countText(judged, 'shape')}`} that could be judged hold${judged === 1 ? 's' : ''}`
        : `${holds} of ${countText(judged, 'shape')} hold${holds === 1 ? 's' : ''}, ${not} do${not === 1 ? 'es' : ''} not`;
  return other === 0 ? first : `${first}; ${other} ${other === 1 ? 'is' : 'are'} not comparable`;
}

/** The answer of an experiment. */
export function experimentVerdict(experiment: ReproducedExperiment): Answer {
  return answerOf(countsOf(checksOf(experiment)), experiment.title);
}

/** The answer of a gallery. */
export function reproduceVerdict({ experiments }: ReproduceReport): Answer {
  const counts = countsOf(experiments.flatMap(checksOf));
  return answerOf(counts, countText(experiments.length, 'published experiment'));
}

function answerOf(counts: Counts, of: string): Answer {
  const tone = counts['does-not-hold'] > 0 ? 'missed' : counts.holds > 0 ? 'met' : 'none';
  const glyph = { met: '✓', missed: '✗', none: '●' }[tone];
  return { tone, glyph, sentence: `${of}: ${countsText(counts)}` };
}

/** `1`, `1.8`, or nothing where no batch holds both phases. */
function gammaText(gamma: number | null): string {
  return gamma === null ? '-' : String(gamma);
}

export const CHECK_COLUMNS = ['', 'published shape', 'gamma', 'seen'] as const;

export function checkRow({ verdict, claim, gamma, seen }: ReproduceCheck): string[] {
  return [`${CHECK_GLYPHS[verdict]} ${CHECK_WORDS[verdict]}`, claim, gammaText(gamma), seen];
}

export const DISTANCE_COLUMNS = ['how many times', 'gamma', 'published', 'ours', 'apart'] as const;

export function distanceRow(distance: ReproduceDistance): string[] {
  const { what, gamma, published, ours, why } = distance;
  return [
    what,
    gammaText(gamma),
    rangeText(published),
    ours === null ? (why ?? '-') : rangeText(ours),
    apartText(distance),
  ];
}

function rangeText([low, high]: readonly [number, number]): string {
  const [from, to] = [threeFigures(low), threeFigures(high)];
  return from === to ? from : `${from} to ${to}`;
}

/** By which factor the nearest of ours is outside of what is published. */
function apartText({ published: [low, high], ours }: ReproduceDistance): string {
  if (ours === null) return '-';
  const [least, most] = ours;
  if (most < low) return `${threeFigures(low / most)} times less`;
  if (least > high) return `${threeFigures(least / high)} times more`;
  return least >= low && most <= high ? 'within' : 'overlaps';
}

/** `TTFT within 0.25 s, TPOT within 0.1 s`. */
export function partLimitsText({ limits_s: limits }: ReproducePart): string | null {
  if (limits === null) return null;
  const parts = [
    ...(limits.ttft === null ? [] : [`TTFT within ${limits.ttft} s`]),
    ...(limits.tpot === null ? [] : [`TPOT within ${limits.tpot} s`]),
  ];
  return parts.join(', ');
}
