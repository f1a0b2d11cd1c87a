import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { processState } from '../src/runs/processes.ts';

/** Whether a process runs; one that nobody has waited for does not. */
export function runs(pid: number): boolean {
  const state = processState(pid);
  return state !== null && !state.isZombie;
}

export async function until(what: string, holds: () => boolean, withinMs = 20_000): Promise<void> {
  for (let waitedMs = 0; !holds(); waitedMs += 20) {
    assert.ok(waitedMs < withinMs, `${what}: not within ${withinMs} ms`);
    await sleep(20);
  }
}
