import { NO_FOLLOWERS, type Followers, type Schedule } from '../core/schedule.ts';
import type { ScheduledRequest } from '../core/target.ts';
import { DueQueue } from './due-queue.ts';

export interface SessionOrderOptions {
  /** Whether later turns wait for answers. If not, they are due at their times, whatever the answers do. */
  readonly thinks: boolean;
  /** Session trees at a time, the next one when one is over; null: each begins at its time. */
  readonly lanes: number | null;
  /** Completes a request that was waiting for others. */
  readonly prepare: (request: ScheduledRequest) => ScheduledRequest | Promise<ScheduledRequest>;
  /** Told of requests that are never sent. */
  readonly drop: (request: ScheduledRequest) => void;
}

/** A request that waits for others. */
interface Waiting {
  readonly scheduled: ScheduledRequest;
  /** How many of them are not over. */
  left: number;
  /** The latest due time that those before have given. */
  dueUs: number;
  isUnsent: boolean;
}

interface Follower {
  readonly waiting: Waiting;
  readonly thinkUs: number;
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
  { thinks, lanes, prepare, drop }: SessionOrderOptions,
): Schedule {
  const trees = treesOf(feed);
  /** Requests of each open tree that have neither ended nor are unsent. */
  const open = new Map<number, number>();
  const followers = new Map<string, Follower[]>();
  /** Requests that wait for none, and are due after the start of the tree that was read last. */
  const roots = new DueQueue();
  /** When each lane without a tree came free. */
  const vacant: number[] = Array.from({ length: lanes ?? 0 }, () => 0);
  let spare: readonly ScheduledRequest[] | null = null;
  let isRead = false;
  let advancedUs = 0;

  const readTree = async (): Promise<readonly ScheduledRequest[] | null> => {
    const next = await trees.next();
    if (next.done !== true) return next.value;
    isRead = true;
    return null;
  };

  /** Opens a tree that begins at `startUs`; its requests that wait for none go into `roots`. */
  const admit = (tree: readonly ScheduledRequest[], startUs: number): void => {
    const ids = new Set(tree.map(({ request }) => request.id));
    open.set(treeOf(tree), tree.length);
    // In lanes times count from the start of each tree.
    const fromUs = lanes === null ? 0 : firstUs(tree);
    for (const scheduled of tree) {
      const after = thinks ? (scheduled.request.after ?? []).filter(({ id }) => ids.has(id)) : [];
      if (after.length === 0) {
        roots.push({ ...scheduled, ...planned(scheduled), dueUs: startUs + scheduled.dueUs - fromUs });
        continue;
      }
      const waiting = { scheduled, left: after.length, dueUs: 0, isUnsent: false };
      for (const { id, thinkUs } of after) {
        const list = followers.get(id);
        if (list === undefined) followers.set(id, [{ waiting, thinkUs }]);
        else list.push({ waiting, thinkUs });
      }
    }
  };

  /** In lanes the trace does not say when. */
  const planned = ({ dueUs }: ScheduledRequest): Pick<ScheduledRequest, 'plannedUs'> =>
    thinks && lanes === null ? { plannedUs: dueUs } : {};

  const takeRoots = (untilUs: number): ScheduledRequest[] => {
    const due: ScheduledRequest[] = [];
    while (roots.size > 0 && roots.nextUs <= untilUs) due.push(roots.shift());
    return due;
  };

  const nextByTime = async (): Promise<readonly ScheduledRequest[] | null> => {
    // What is due before the next tree begins: no tree behind it begins earlier.
    while (!isRead) {
      const tree = await readTree();
      if (tree === null) break;
      const startsUs = firstUs(tree) - advancedUs;
      admit(tree, -advancedUs);
      const due = takeRoots(startsUs);
      if (due.length > 0) return due;
    }
    return roots.size === 0 ? null : takeRoots(Infinity);
  };

  const nextInLanes = async (): Promise<readonly ScheduledRequest[] | null> => {
    for (let startUs = vacant.shift(); startUs !== undefined; startUs = vacant.shift()) {
      const tree = spare ?? (await readTree());
      spare = null;
      if (tree === null) break;
      admit(tree, startUs);
    }
    if (!isRead) spare ??= await readTree();
    return roots.size === 0 ? null : takeRoots(Infinity);
  };

  /** Of the requests that wait for none. */
  const firstUs = (tree: readonly ScheduledRequest[]): number =>
    tree.filter(isRoot).reduce((us, { dueUs }) => Math.min(us, dueUs), Infinity);
  const isRoot = ({ request }: ScheduledRequest): boolean => !thinks || (request.after ?? []).length === 0;

  /** The requests that can never be sent once `id` has failed. */
  const unsentAfter = (id: string): ScheduledRequest[] => {
    const unsent: ScheduledRequest[] = [];
    const failed = [id];
    for (let one = failed.pop(); one !== undefined; one = failed.pop()) {
      for (const { waiting } of followers.get(one) ?? []) {
        if (waiting.isUnsent) continue;
        waiting.isUnsent = true;
        unsent.push(waiting.scheduled);
        failed.push(waiting.scheduled.request.id);
      }
      followers.delete(one);
    }
    return unsent;
  };

  const dueAfter = (id: string, timeUs: number): ScheduledRequest[] => {
    const due: ScheduledRequest[] = [];
    for (const { waiting, thinkUs } of followers.get(id) ?? []) {
      waiting.left--;
      waiting.dueUs = Math.max(waiting.dueUs, Math.round(timeUs) + thinkUs);
      if (waiting.left === 0 && !waiting.isUnsent)
        due.push({ ...waiting.scheduled, ...planned(waiting.scheduled), dueUs: waiting.dueUs });
    }
    followers.delete(id);
    return due;
  };

  return {
    next: () => (lanes === null ? nextByTime() : nextInLanes()),
    ended({ request }, outcome, timeUs): Followers {
      const tree = request.tree ?? -1;
      const unsent = outcome === 'ok' ? [] : unsentAfter(request.id);
      for (const one of unsent) drop(one);
      const due = outcome === 'ok' ? dueAfter(request.id, timeUs) : [];
      const left = (open.get(tree) ?? 0) - 1 - unsent.length;
      if (left > 0) open.set(tree, left);
      else {
        open.delete(tree);
        if (lanes !== null) due.push(...nextInLane(timeUs));
      }
      return due.length === 0 && unsent.length === 0 ? NO_FOLLOWERS : { due, unsent };
    },
    prepare,
    advance(us) {
      advancedUs += us;
      roots.advance(us);
      for (const list of followers.values()) for (const { waiting } of list) if (waiting.dueUs > 0) waiting.dueUs -= us;
    },
    async close() {
      await trees.return(undefined);
    },
  };

  /** The tree that was read ahead begins where one is over; without one, `next` looks for it. */
  function nextInLane(timeUs: number): ScheduledRequest[] {
    const tree = spare;
    spare = null;
    if (tree === null) vacant.push(Math.round(timeUs));
    else admit(tree, Math.round(timeUs));
    return takeRoots(Infinity);
  }
}

/** The requests of a feed, those of each tree together. */
async function* treesOf(
  feed: AsyncIterable<readonly ScheduledRequest[]>,
): AsyncGenerator<readonly ScheduledRequest[], void, undefined> {
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
