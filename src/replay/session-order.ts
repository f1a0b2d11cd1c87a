import { NO_FOLLOWERS, type Followers, type Schedule } from '../core/schedule.ts';
import type { ResponseInfo, ScheduledRequest } from '../core/target.ts';
import { DueQueue } from './due-queue.ts';
import { SessionWaits } from './session-waits.ts';

export interface SessionOrderOptions {
  /** Whether later turns wait for answers. If not, they are due at their times, whatever the answers do. */
  readonly thinks: boolean;
  /** Session trees at a time, the next one when one is over; null: each begins at its time. */
  readonly lanes: number | null;
  /** Completes a request that has become due. */
  readonly prepare: (request: ScheduledRequest) => ScheduledRequest | Promise<ScheduledRequest>;
  /** Told of requests that have ended, and what is known of their answers. Absent: nobody is. */
  readonly ended?: (request: ScheduledRequest, response: ResponseInfo | null) => void;
  /** Told of requests that are never sent. */
  readonly drop: (request: ScheduledRequest) => void;
}

/**
 * Sessions as they happen: a turn is due when the answers that it waits for have ended, and its think time is over; one
 * whose predecessor failed is never sent, nor is what follows it. Closed loop within a session, open between sessions,
 * or, in lanes, closed throughout. `feed`: the requests of a plan, tree by tree (`Request.tree`), trees in order of
 * their first due times; at most one tree more than those that are open is read.
 *
 *     lane 1:  turn 0 ..... think  turn 1 ..... think  turn 2 ....  turn 0 of the next session
 */
export function sessionOrder(
  feed: AsyncIterable<readonly ScheduledRequest[]>,
  { thinks, lanes, prepare, ended, drop }: SessionOrderOptions,
): Schedule {
  const waits = new SessionWaits();
  /** Requests of each open tree that have neither ended nor are unsent. */
  const open = new Map<number, number>();
  /** Requests of open trees that wait for none and have not been given out. */
  const roots = new DueQueue();
  let advancedUs = 0;

  /** Opens a tree, at `startUs` in lanes. Returns when its first request is due. */
  const admit = (tree: readonly ScheduledRequest[], startUs: number): number => {
    open.set(treeOf(tree), tree.length);
    const isPlanned = thinks && lanes === null;
    const timed = isPlanned ? tree.map((one) => ({ ...one, plannedUs: one.dueUs })) : tree;
    const first = thinks ? waits.add(timed) : timed;
    const firstUs = first.reduce((us, { dueUs }) => Math.min(us, dueUs), Infinity);
    // In lanes the trace does not say when.
    const shiftUs = lanes === null ? -advancedUs : startUs - firstUs;
    for (const one of first) roots.push({ ...one, dueUs: one.dueUs + shiftUs });
    return firstUs + shiftUs;
  };
  const takeRoots = (untilUs = Infinity): ScheduledRequest[] => {
    const due: ScheduledRequest[] = [];
    while (roots.size > 0 && roots.nextUs <= untilUs) due.push(roots.shift());
    return due;
  };

  const trees = treesOf(feed);
  const starts = lanes === null ? byTime(trees, admit, takeRoots) : inLanes(trees, lanes, admit, takeRoots);
  return {
    next: () => starts.next(),
    ended(scheduled, outcome, timeUs, response): Followers {
      const { request } = scheduled;
      ended?.(scheduled, response);
      const tree = request.tree ?? -1;
      const unsent = outcome === 'ok' ? [] : waits.failed(request.id);
      for (const one of unsent) drop(one);
      const due = outcome === 'ok' ? waits.over(request.id, timeUs) : [];
      const left = (open.get(tree) ?? 0) - 1 - unsent.length;
      if (left > 0) open.set(tree, left);
      else {
        open.delete(tree);
        due.push(...starts.over(Math.round(timeUs)));
      }
      const asksForNext = starts.hasRoom();
      return due.length === 0 && unsent.length === 0 && !asksForNext ? NO_FOLLOWERS : { due, unsent, asksForNext };
    },
    prepare,
    advance(us) {
      advancedUs += us;
      roots.advance(us);
      waits.advance(us);
    },
    async close() {
      await trees.return(undefined);
    },
  };
}

type Trees = AsyncGenerator<readonly ScheduledRequest[], void, undefined>;
type Admit = (tree: readonly ScheduledRequest[], startUs: number) => number;
type TakeRoots = (untilUs?: number) => ScheduledRequest[];

/** When session trees begin. */
interface Starts {
  /** As `Schedule.next`. */
  next(): Promise<readonly ScheduledRequest[] | null>;
  /** A tree is over: returns the first requests of the one that begins in its place. */
  over(timeUs: number): ScheduledRequest[];
  /** Whether a tree may begin, or has to be read ahead, before the time at which `next` would be called. */
  hasRoom(): boolean;
}

/** Each at its time. */
function byTime(trees: Trees, admit: Admit, takeRoots: TakeRoots): Starts {
  return {
    async next() {
      for (let tree = await trees.next(); tree.done !== true; tree = await trees.next()) {
        // What is due before this tree begins: no tree behind it begins earlier.
        const due = takeRoots(admit(tree.value, 0));
        if (due.length > 0) return due;
      }
      const due = takeRoots();
      return due.length === 0 ? null : due;
    },
    over: () => [],
    hasRoom: () => false,
  };
}

/** So many at a time, one of those that follow read ahead. */
function inLanes(trees: Trees, lanes: number, admit: Admit, takeRoots: TakeRoots): Starts {
  /** When each lane without a tree came free. */
  const vacant: number[] = Array.from({ length: lanes }, () => 0);
  let spare: readonly ScheduledRequest[] | null = null;
  let isAtEnd = false;
  const readTree = async (): Promise<readonly ScheduledRequest[] | null> => {
    const tree = (await trees.next()).value ?? null;
    isAtEnd = tree === null;
    return tree;
  };
  return {
    async next() {
      for (let startUs = vacant[0]; startUs !== undefined; startUs = vacant[0]) {
        const tree = spare ?? (await readTree());
        spare = null;
        if (tree === null) break;
        vacant.shift();
        admit(tree, startUs);
      }
      spare ??= await readTree();
      const due = takeRoots();
      return due.length === 0 ? null : due;
    },
    over(timeUs) {
      if (spare === null) vacant.push(timeUs);
      else admit(spare, timeUs);
      spare = null;
      return takeRoots();
    },
    hasRoom: () => spare === null && !isAtEnd,
  };
}

/** The requests of a feed, those of each tree together. */
async function* treesOf(feed: AsyncIterable<readonly ScheduledRequest[]>): Trees {
  let tree: ScheduledRequest[] = [];
  for await (const batch of feed)
    for (const request of batch) {
      if (tree.length > 0 && treeOf(tree) !== request.request.tree) {
        yield tree;
        tree = [];
      }
      tree.push(request);
    }
  if (tree.length > 0) yield tree;
}

function treeOf([first]: readonly ScheduledRequest[]): number {
  return first?.request.tree ?? -1;
}
