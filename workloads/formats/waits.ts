import { EventQueue } from '../../src/core/event-queue.ts';
import type { After } from '../../src/core/request.ts';

/** A request of a conversation, as its source timed it; times in microseconds from the start of the conversation. */
export interface TimedCall {
  readonly id: string;
  readonly startUs: number;
  /** Null where the source does not say how long the answer took. */
  readonly endUs: number | null;
  /** From the end of the request before, as the source recorded it; used only where that end is not known. */
  readonly thinkUs: number | null;
}

/** Calls one after another, or side by side, and the subagents that they started. */
export interface Branch {
  readonly startUs: number;
  readonly calls: readonly TimedCall[];
  /** End of the branch, which may be later than that of its last answer; null: that of its last answer. */
  readonly endUs: number | null;
  readonly branches: readonly Branch[];
}

/** What a request waits for: `after` as of a `Request`, absent where the source's times do not tell. */
export interface Wait {
  readonly parent?: string;
  readonly after?: readonly After[];
}

/** An answer that later calls may wait for: its own end, and when what it belongs to had ended. */
interface Ended {
  readonly id: string;
  readonly endUs: number;
  /** The end of its subagent for the last answer of one, otherwise its own. */
  readonly overUs: number;
}

type Before = Pick<TimedCall, 'id' | 'endUs'>;

/**
 * What each call of a conversation waited for, by id. A call waits for every answer, and every subagent, of its branch
 * that was over when it started and that no earlier call has waited for; beside others, still under way, it runs. A
 * subagent's first call waits for the answer that had ended last when the subagent started. An end up to `toleranceUs`
 * after a start counts as before it: sources round their times.
 */
export function waitsOf(main: Branch, toleranceUs: number): ReadonlyMap<string, Wait> {
  const waits = new Map<string, Wait>();
  addWaits(main, null, toleranceUs, waits);
  return waits;
}

/** `spawner`: what the branch's first call follows. */
function addWaits(branch: Branch, spawner: Before | null, toleranceUs: number, waits: Map<string, Wait>): void {
  const running = new EventQueue();
  let ended: Ended[] = [];
  let last = spawner === null ? null : endedOf(spawner);
  let before: Before | null = null;
  const run = (answer: Ended | null): void => {
    if (answer === null) return;
    running.push(answer.overUs, () => {
      ended.push(answer);
      last = answer;
    });
  };
  for (const item of inOrder(branch)) {
    while (running.nextTime <= item.startUs + toleranceUs) running.pop()();
    const follows: Before | null = before ?? spawner;
    const isUnknown = follows !== null && follows.endUs === null;
    if ('calls' in item) {
      addWaits(item, isUnknown ? follows : last, toleranceUs, waits);
      run(lastOf(item));
      continue;
    }
    const over: readonly Ended[] = ended.length > 0 || last === null ? ended : [last];
    const joins = over.map(({ id, endUs }) => ({ id, thinkUs: Math.max(0, item.startUs - endUs) }));
    if (!isUnknown) {
      const parent = over.find(({ id }) => id === follows?.id) ?? over.at(-1);
      waits.set(item.id, { ...(parent === undefined ? {} : { parent: parent.id }), after: joins });
    } else if (before === null || item.thinkUs === null) waits.set(item.id, { parent: follows.id });
    else
      waits.set(item.id, {
        parent: follows.id,
        after: [{ id: follows.id, thinkUs: item.thinkUs }, ...(ended.length > 0 ? joins : [])],
      });
    ended = [];
    run(endedOf(item));
    before = item;
  }
}

function endedOf({ id, endUs }: Before): Ended | null {
  return endUs === null ? null : { id, endUs, overUs: endUs };
}

/** Calls and subagents in the order in which they started. */
function inOrder({ calls, branches }: Branch): (TimedCall | Branch)[] {
  return [...calls, ...branches].sort((a, b) => a.startUs - b.startUs);
}

/** The answer with which a subagent ended; its start stands for an end that is not known. Null where it had none. */
function lastOf({ calls, endUs, branches }: Branch): Ended | null {
  const answers = [
    ...calls.map(({ id, startUs, endUs: end }) => ({ id, endUs: end ?? startUs, overUs: end ?? startUs })),
    ...branches.map(lastOf).filter((answer) => answer !== null),
  ];
  const last = answers.reduce<Ended | null>(
    (latest, answer) => (latest === null || answer.endUs >= latest.endUs ? answer : latest),
    null,
  );
  return last === null || endUs === null ? last : { ...last, overUs: endUs };
}
