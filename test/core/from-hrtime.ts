import { machineUs } from '../../src/core/wall-clock.ts';

/** How far `machineUs` is from CLOCK_MONOTONIC in this thread, by the pair of readings that lies closest together. */
export function fromHrtimeUs(): number {
  let [closestUs, differenceUs] = [Infinity, Infinity];
  for (let pair = 0; pair < 1000; pair++) {
    const before = process.hrtime.bigint();
    const readUs = machineUs();
    const apartUs = Number(process.hrtime.bigint() - before) / 1000;
    if (apartUs >= closestUs) continue;
    [closestUs, differenceUs] = [apartUs, Math.abs(readUs - Number(before) / 1000)];
  }
  return differenceUs;
}
