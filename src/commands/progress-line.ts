import type { Plan } from '../core/plan.ts';
import { formatMs, formatShare, withThousands } from '../core/units.ts';
import type { RunProgress } from '../run/run.ts';

/** A part of a line: its texts, the longest first. */
interface Part {
  readonly name: PartName;
  readonly texts: readonly string[];
}

type PartName =
  | 'bar'
  | 'clock'
  | 'sent'
  | 'inFlight'
  | 'held'
  | 'ttft'
  | 'met'
  | 'failed'
  | 'tokens'
  | 'count'
  | 'more';

/**
 * Where a line is too wide, its parts give way in this order, each time by one step: to their next text, or out of the
 * line, except for those that stay by their shortest text.
 */
const GIVE_WAY: readonly PartName[] = [
  'bar',
  'sent',
  'tokens',
  'sent',
  'bar',
  'clock',
  'inFlight',
  'clock',
  'ttft',
  'held',
  'met',
  'clock',
  'ttft',
  'failed',
  'more',
  'count',
  'count',
];

const STAYS: ReadonlySet<PartName> = new Set(['clock', 'count']);

/** The parts in one line of at most a width, as much of them as fits; no word is cut. Empty where nothing fits. */
function fitted(parts: readonly Part[], width: number): string {
  const steps = new Map<PartName, number>();
  const textOf = ({ name, texts }: Part): string[] => {
    const step = steps.get(name) ?? 0;
    const at = STAYS.has(name) ? Math.min(step, texts.length - 1) : step;
    return texts.slice(at, at + 1);
  };
  const line = (): string => {
    const [bars, others] = [parts.filter(({ name }) => name === 'bar'), parts.filter(({ name }) => name !== 'bar')];
    return [...bars.flatMap(textOf), others.flatMap(textOf).join(' · ')].join(' ');
  };
  for (const name of GIVE_WAY) {
    if (line().length <= width) return line();
    steps.set(name, (steps.get(name) ?? 0) + 1);
  }
  return line().length <= width ? line() : '';
}

function bar(share: number, width: number): string {
  const filled = Math.round(Math.min(1, Math.max(0, share)) * width);
  return `${'━'.repeat(filled)}${'╌'.repeat(width - filled)}`;
}

function barPart(share: number): Part {
  return { name: 'bar', texts: [bar(share, 20), bar(share, 8)] };
}

/**
 * How far a run is, in one line of at most `width` characters; null: a plain line of any length, without a bar.
 * `tokensPerS`: since the line before.
 */
export function progressLine(plan: Plan, now: RunProgress, tokensPerS: number, width: number | null): string {
  const { endUs, stats } = plan;
  // Where responses decide when requests are due, only the number of due requests shows the progress.
  const share = endUs === null ? now.due / stats.requests : endUs === 0 ? 1 : now.nowUs / endUs;
  const clock = clockTexts(plan, now);
  const parts: Part[] = [
    ...(width === null ? [] : [barPart(share)]),
    { name: 'clock', texts: clock.texts },
    {
      name: 'sent',
      texts: [
        `${withThousands(now.sent)} of ${endUs === null ? 'at most ' : ''}${withThousands(stats.requests)} sent`,
        `${withThousands(now.sent)} sent`,
      ],
    },
    ...(clock.hasCounts ? [] : countParts(now)),
    ...(isOver(plan, now) ? [] : latencyParts(now)),
    ...(now.failed === 0 ? [] : [{ name: 'failed', texts: [`${withThousands(now.failed)} failed`] } as const]),
    ...(isOver(plan, now)
      ? []
      : [{ name: 'tokens', texts: [`${withThousands(Math.round(tokensPerS))} tokens/s`] } as const]),
  ];
  return fitted(parts, width ?? Infinity);
}

/** Whether nothing more will come: what is left is the report. */
function isOver({ stats }: Plan, { ok, failed, inFlight, isStopping }: RunProgress): boolean {
  return isStopping ? inFlight === 0 : ok + failed >= stats.requests;
}

/** How far work is that is counted in parts; `more` is shown where there is room. */
export function countLine(what: string, done: number, of: number, more: string | null, width: number | null): string {
  const count = `${withThousands(done)} of ${withThousands(of)}`;
  const parts: Part[] = [
    ...(width === null ? [] : [barPart(done / of)]),
    { name: 'count', texts: [`${count} ${what}`, count, percent(done / of)] },
    ...(more === null ? [] : [{ name: 'more', texts: [more] } as const]),
  ];
  return fitted(parts, width ?? Infinity);
}

/** Where the run is in time; `hasCounts`: its texts say what is in flight and held. */
function clockTexts(plan: Plan, now: RunProgress): { readonly texts: readonly string[]; readonly hasCounts: boolean } {
  if (isOver(plan, now)) return { texts: ['making the report'], hasCounts: true };
  const { stats, endUs } = plan;
  const { nowUs, due, inFlight, held, isStopping } = now;
  const waits = isStopping || held === 0 ? '' : `, ${withThousands(held)} held`;
  const open = `${withThousands(inFlight)} in flight${waits}`;
  const ending = (how: string): string[] => [`${how}: ${open}`, `${how}: ${withThousands(inFlight)}`];
  if (isStopping) return { texts: ending('stopping'), hasCounts: true };
  if (nowUs < 0) return { texts: ['starting'], hasCounts: false };
  if (due === 0 && nowUs < stats.firstDueUs) {
    const left = seconds(stats.firstDueUs - nowUs);
    return { texts: [`first due in ${left}`, `due in ${left}`], hasCounts: false };
  }
  if (endUs === null) return { texts: [seconds(nowUs)], hasCounts: false };
  if (nowUs > endUs) {
    const since = seconds(nowUs - endUs);
    const long = `draining: ${open}, ${since} after the last was due`;
    return { texts: [long, `draining for ${since}: ${open}`, ...ending('draining')], hasCounts: true };
  }
  const [at, end] = [seconds(nowUs), seconds(endUs)];
  return { texts: [`${at} of ${end}`, ratio(at, end), percent(endUs === 0 ? 1 : nowUs / endUs)], hasCounts: false };
}

function countParts({ inFlight, held }: RunProgress): Part[] {
  return [
    { name: 'inFlight', texts: [`${withThousands(inFlight)} in flight`] },
    ...(held === 0 ? [] : [{ name: 'held', texts: [`${withThousands(held)} held`] } as const]),
  ];
}

function latencyParts({ recent: { ttftMs, met } }: RunProgress): Part[] {
  const ms = (value: number): string => (value === Infinity ? 'fails' : formatMs(value));
  return [
    ...(ttftMs === null
      ? []
      : [
          {
            name: 'ttft',
            texts: [`TTFT p50 ${ms(ttftMs.p50)} p99 ${ms(ttftMs.p99)}`, `TTFT p99 ${ms(ttftMs.p99)}`],
          } as const,
        ]),
    ...(met === null ? [] : [{ name: 'met', texts: [`${formatShare(met)} met`] } as const]),
  ];
}

/** `12 s` and `60 s` as `12/60 s`. */
function ratio(value: string, whole: string): string {
  const [number = '', unit] = value.split(' ');
  return whole.endsWith(` ${unit}`) ? `${number}/${whole}` : `${value}/${whole}`;
}

function percent(share: number): string {
  return `${Math.floor(share * 100)} %`;
}

function seconds(us: number): string {
  return us <= 0 ? '0 s' : us < 600e6 ? `${Math.round(us / 1e6)} s` : formatMs(us / 1000);
}
