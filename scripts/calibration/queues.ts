import { exp, ln } from '../../src/core/portable-math.ts';
import { randomStream, standardNormal, uniform, type Random } from '../../src/core/random.ts';
import { slackOf, type JudgedRequests } from '../../src/metrics/judged-requests.ts';
import { nearestRank } from '../../src/metrics/samples.ts';

/** Requests of a queue that has been running, in order of arrival; seconds, where a service takes 1 on average. */
export interface QueuedRequests {
  readonly dueS: Float64Array;
  /** What is judged. */
  readonly latencyS: Float64Array;
  readonly stayS: Float64Array;
}

export interface Queue {
  readonly name: string;
  /** Requests of `seed`; the queue ran for `WARM_UP` requests before the first. */
  requests(seed: number, count: number): QueuedRequests;
  /** The latency that one request in ten exceeds. */
  readonly limitS: number;
}

const WARM_UP = 20_000;
/** Share of requests over the limit. */
const OVER = 0.1;

/** As the interval of the attainment sees the requests. */
export function judgedBy({ dueS, latencyS, stayS }: QueuedRequests, limitS: number): JudgedRequests {
  const us = (seconds: number): number => Math.round(seconds * 1e6);
  return {
    dueUs: dueS.map(us),
    staysUs: stayS.map(us),
    met: latencyS.map((latency) => (latency <= limitS ? 1 : 0)),
    slacks: latencyS.map((latency) => slackOf(latency / limitS)),
  };
}

/** Latencies that do not depend on each other: a server for every request. */
function independent(): Queue {
  return {
    name: 'independent',
    limitS: -ln(OVER),
    requests: (seed, count) => {
      const random = randomStream(seed, 'queue', 'independent');
      const latencyS = Float64Array.from({ length: count }, () => exponential(random));
      let atS = 0;
      return {
        dueS: Float64Array.from({ length: count }, () => (atS += exponential(random))),
        latencyS,
        stayS: latencyS,
      };
    },
  };
}

interface Servers {
  readonly servers: number;
  readonly load: number;
  readonly judged: 'stay' | 'wait';
}

/** Exponential gaps and services; the limit is exact. */
function markovian(name: string, { servers, load, judged }: Servers): Queue {
  const drain = servers * (1 - load);
  // Time in system of one server, and waiting of any number, are exponential above 0.
  const chance = judged === 'stay' ? 1 : chanceToWait(servers, load);
  return {
    name,
    limitS: ln(chance / OVER) / drain,
    requests: (seed, count) => {
      const random = randomStream(seed, 'queue', name);
      const gap = (): number => exponential(random) / (servers * load);
      return served(count, { servers, judged, gap, service: () => exponential(random) });
    },
  };
}

/** Erlang's C. */
function chanceToWait(servers: number, load: number): number {
  let blocked = 1;
  for (let server = 1; server <= servers; server++)
    blocked = (servers * load * blocked) / (server + servers * load * blocked);
  return blocked / (1 - load * (1 - blocked));
}

const GG1_LOAD = 0.9;
/** Squares of the coefficients of variation: bursty arrivals, services of lognormal length. */
const GG1_ARRIVALS = 1.4 ** 2;
const GG1_LOG_SD = 0.5;
/** Requests by which its limit is found. */
const GG1_SEARCH = 4_000_000;

/** One server, hyperexponential gaps with balanced means, lognormal services; the limit is that of one long run. */
function bursty(name: string): Queue {
  const often = (1 + Math.sqrt((GG1_ARRIVALS - 1) / (GG1_ARRIVALS + 1))) / 2;
  const requests = (seed: number, count: number): QueuedRequests => {
    const random = randomStream(seed, 'queue', name);
    const gap = (): number => exponential(random) / (2 * GG1_LOAD * (uniform(random) < often ? often : 1 - often));
    const service = (): number => exp(GG1_LOG_SD * standardNormal(random) - GG1_LOG_SD ** 2 / 2);
    return served(count, { servers: 1, judged: 'stay', gap, service });
  };
  let limitS: number | null = null;
  return {
    name,
    requests,
    get limitS() {
      limitS ??= nearestRank(requests(0, GG1_SEARCH).latencyS.slice().sort(), 1000 * (1 - OVER)) ?? 0;
      return limitS;
    },
  };
}

interface Served {
  readonly servers: number;
  readonly judged: Servers['judged'];
  readonly gap: () => number;
  readonly service: () => number;
}

/** First come, first served by whichever server is free first. */
function served(count: number, { servers, judged, gap, service }: Served): QueuedRequests {
  const [dueS, latencyS, stayS] = [new Float64Array(count), new Float64Array(count), new Float64Array(count)];
  const free = new Float64Array(servers);
  let [atS, startS] = [0, 0];
  for (let i = -WARM_UP; i < count; i++) {
    atS += gap();
    if (i === 0) startS = atS;
    let first = 0;
    for (let server = 1; server < servers; server++) if ((free[server] ?? 0) < (free[first] ?? 0)) first = server;
    const waitS = Math.max(0, (free[first] ?? 0) - atS);
    const serviceS = service();
    free[first] = atS + waitS + serviceS;
    if (i < 0) continue;
    dueS[i] = atS - startS;
    stayS[i] = waitS + serviceS;
    latencyS[i] = judged === 'wait' ? waitS : waitS + serviceS;
  }
  return { dueS, latencyS, stayS };
}

function exponential(random: Random): number {
  return -ln(1 - uniform(random));
}

export const QUEUES: readonly Queue[] = [
  independent(),
  markovian('M/M/1, load 0.7, time in system', { servers: 1, load: 0.7, judged: 'stay' }),
  markovian('M/M/1, load 0.9, time in system', { servers: 1, load: 0.9, judged: 'stay' }),
  bursty('G/G/1, load 0.9, arrivals of CV 1.4, time in system'),
  markovian('M/M/16, load 0.9, waiting', { servers: 16, load: 0.9, judged: 'wait' }),
  markovian('M/M/64, load 0.95, waiting', { servers: 64, load: 0.95, judged: 'wait' }),
];
