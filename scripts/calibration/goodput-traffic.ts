// How well `goodput --of traffic` finds the goodput of the four systems of ../shared/statistics, in virtual time: how
// often it is right within 5 %, how often its interval holds the truth, and how many requests it needs.
// Usage: node scripts/calibration/goodput-traffic.ts [--systems v1,v0] [--arrivals poisson,trace] [--seeds 60]
//        [--precision 0.05] [--budget 60000] [--first 1]
import { parseArgs } from 'node:util';
import { simulatedTraffic, TRAFFIC_SYSTEMS } from './simulated-traffic.ts';

const { values } = parseArgs({
  options: {
    systems: { type: 'string', default: '' },
    arrivals: { type: 'string', default: 'poisson,trace' },
    seeds: { type: 'string', default: '60' },
    precision: { type: 'string', default: '0.05' },
    budget: { type: 'string', default: '60000' },
    first: { type: 'string', default: '1' },
  },
});
const [seeds, first] = [Number(values.seeds), Number(values.first)];
const quantile = (sorted: readonly number[], q: number): number =>
  sorted[Math.ceil(q * sorted.length) - 1] ?? Number.NaN;
const percent = (of: number): string => `${Math.round(of * 100)}`;

console.log(
  '| system | arrivals | truth | within 5 % | covers % | half width p50, p90 % | requests p50, p90 | bias % | ends |\n| --- | --- | --- | --- | --- | --- | --- | --- | --- |',
);
for (const arrivals of values.arrivals.split(',')) {
  if (arrivals !== 'poisson' && arrivals !== 'trace') throw new Error(`--arrivals: ${arrivals}`);
  const all: { within: boolean; covers: boolean }[] = [];
  for (const system of TRAFFIC_SYSTEMS) {
    if (!values.systems.split(',').some((part) => system.name.includes(part))) continue;
    const truth = system.goodputRps[arrivals];
    const found = [];
    for (let seed = first; seed < first + seeds; seed++) {
      const { answers, requests } = await simulatedTraffic(system, arrivals, {
        seed,
        precision: Number(values.precision),
        mostRequests: Number(values.budget),
      });
      const [{ fit, end } = { fit: null, end: 'none' }] = answers;
      const lnRatio = fit === null ? Number.NaN : fit.lnRate - Math.log(truth);
      found.push({ lnRatio, halfWidth: fit?.halfWidth ?? Infinity, requests, end });
    }
    const judged = found.map(({ lnRatio, halfWidth }) => ({
      within: Math.abs(Math.expm1(lnRatio)) <= 0.05,
      covers: Math.abs(lnRatio) <= halfWidth,
    }));
    all.push(...judged);
    const ordered = (some: readonly number[]): number[] => some.toSorted((a, b) => a - b);
    const widths = ordered(found.map(({ halfWidth }) => halfWidth));
    const requests = ordered(found.map((each) => each.requests));
    const ends = Object.entries(Object.groupBy(found, ({ end }) => end)).map(
      ([end, some]) => `${end} ${some?.length ?? 0}`,
    );
    console.log(
      `| ${system.name} | ${arrivals} | ${truth} | ${percent(share(judged, ({ within }) => within))} | ${percent(share(judged, ({ covers }) => covers))} | ${[0.5, 0.9].map((q) => (quantile(widths, q) * 100).toFixed(1)).join(', ')} | ${[0.5, 0.9].map((q) => quantile(requests, q)).join(', ')} | ${((found.reduce((sum, { lnRatio }) => sum + lnRatio, 0) / found.length) * 100).toFixed(1)} | ${ends.join(', ')} |`,
    );
  }
  console.log(
    `| all | ${arrivals} | | ${percent(share(all, ({ within }) => within))} | ${percent(share(all, ({ covers }) => covers))} | | | | |`,
  );
}

function share<T>(all: readonly T[], holds: (one: T) => boolean): number {
  return all.filter(holds).length / all.length;
}
