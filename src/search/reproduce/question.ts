import { drawLoad, requestsAt, type Load } from '../goodput/load.ts';
import { findGoodput, type Trial } from '../goodput/search.ts';
import { simulatedTimes } from '../simulated-times.ts';
import { GOAL } from './cells.ts';
import type { HighestTest } from './experiment.ts';
import { attainmentOf, figuresOf, latenciesOf, mean, quantile, type Figures, type Latencies } from './figures.ts';
import { population, type Workload } from './lengths.ts';
import type { Limits } from './limits.ts';

/** What a thread is asked: plain data, with all that its answer depends on. */
export interface Question {
  /** `SYSTEM,key=value...`. */
  readonly system: string;
  readonly gpus: number;
  readonly workload: Workload;
  readonly requests: number;
  readonly seed: number;
  readonly outputTokens: number | null;
  readonly limits: Limits | null;
  readonly task: Task;
}

type Task =
  | { readonly kind: 'rate'; readonly rateRps: number }
  /** One simulation judged by the limits times each scale. */
  | { readonly kind: 'scales'; readonly rateRps: number; readonly scales: readonly number[] }
  | { readonly kind: 'highest'; readonly test: HighestTest }
  /** `alone`: the system whose time for one request alone is the unit; `stages`: of `system`, in a row. */
  | { readonly kind: 'queue'; readonly alone: string; readonly stages: number; readonly load: number };

export interface Answer {
  /** One, or one for each scale; null where nothing can be measured. */
  readonly figures: readonly (Figures | null)[];
  readonly simulations: number;
}

/** A system that passes at no rate down to this, requests/s a GPU, has a goodput of 0. */
const LOWEST_RPS_PER_GPU = 1 / 64;
/** The lowest rate that does not pass is at most this share above the one that is found. */
const PRECISION = 0.02;
/** Half of the requests may wait this long: Sarathi-Serve's condition for a load that can be sustained. */
const SUSTAINED_QUEUE_S = 2;

/** Runs the simulations of a question; the same question always has the same answer, in any thread. */
export async function answer(question: Question): Promise<Answer> {
  const { gpus, limits, task } = question;
  const load = loadOf(question);
  const at = (rateRps: number): Promise<Latencies> => latenciesAt(question, load, rateRps);
  switch (task.kind) {
    case 'rate':
      return { figures: [figuresOf(await at(task.rateRps), limits)], simulations: 1 };
    case 'scales': {
      const latencies = await at(task.rateRps);
      const scaled = task.scales.map((scale) => attainmentOf(latencies, times(required(limits), scale)));
      return { figures: scaled, simulations: 1 };
    }
    case 'highest': {
      const passes = passesOf(task.test, required(limits));
      const probe = async (rateRps: number): Promise<Trial> => ({ rateRps, met: passes(await at(rateRps)) });
      const bounds = { startRps: gpus, lowestRps: LOWEST_RPS_PER_GPU * gpus, highestRps: Number.POSITIVE_INFINITY };
      const { met, trials } = await findGoodput(probe, { ...bounds, precision: PRECISION });
      return { figures: [{ goodput_rps_per_gpu: (met?.rateRps ?? 0) / gpus }], simulations: trials };
    }
    case 'queue':
      return queueing(question, load, task);
  }
}

export function times({ ttftS, tpotS }: Limits, scale: number): Limits {
  return { ttftS: ttftS * scale, tpotS: tpotS * scale };
}

function required(limits: Limits | null): Limits {
  if (limits === null) throw new Error('this question needs limits');
  return limits;
}

/** One request a second, by Poisson arrivals: the same draws at every rate and for every system. */
function loadOf({ workload, requests, seed }: Question): Load {
  return drawLoad(population(workload), requests, seed);
}

async function latenciesAt({ system, requests: count, outputTokens }: Question, load: Load, rateRps: number) {
  const requests = requestsAt(load, count, rateRps, outputTokens);
  const gapsUs: number[] = [];
  const onRefused = (_id: string, why: string): never => {
    throw new Error(`${system}: ${why}`);
  };
  const log = await simulatedTimes(system, requests, { onGap: (gapUs) => gapsUs.push(gapUs), onRefused });
  return latenciesOf(
    log,
    requests.map((request) => request.outputTokens),
    gapsUs,
  );
}

function passesOf(test: HighestTest, limits: Limits): (latencies: Latencies) => boolean {
  switch (test) {
    case 'marginal':
      return ({ ttftS, tpotS }) => quantile(ttftS, GOAL) <= limits.ttftS && quantile(tpotS, GOAL) <= limits.tpotS;
    case 'joint':
      return (latencies) => attainmentOf(latencies, limits).attainment >= GOAL;
    case 'capacity':
      return ({ gapsMs, queueS }) =>
        quantile(gapsMs, 0.99) <= limits.tpotS * 1000 && quantile(queueS, 0.5) <= SUSTAINED_QUEUE_S;
  }
}

/** Nearer to saturation, the mean over a simulation is far below that of an endless one. */
const BUSIEST = 0.93;

/**
 * The mean wait of an M/D/1 queue is R s^2 / (2 (1 - R s)) for arrivals at rate R and a service time s: of a row of n
 * equal stages the time of one of them. With the time L of a request alone, which is n s, that is equations 1 to 3 of
 * DistServe, section 3.
 */
async function queueing(
  question: Question,
  load: Load,
  { alone, stages, load: rd }: Extract<Task, { kind: 'queue' }>,
): Promise<Answer> {
  const unitS = await timeAlone(question, alone);
  const ownS = await timeAlone(question, question.system);
  const serviceS = ownS / stages;
  const rateRps = rd / unitS;
  if (rateRps * serviceS > BUSIEST) return { figures: [null], simulations: 2 };
  const { ttftS } = await latenciesAt(question, load, rateRps);
  const theoryS = ownS + (rateRps * serviceS ** 2) / (2 * (1 - rateRps * serviceS));
  return {
    figures: [{ ttft_over_alone: mean(ttftS) / unitS, theory_over_alone: theoryS / unitS }],
    simulations: 3,
  };
}

async function timeAlone(question: Question, system: string): Promise<number> {
  const one = { ...question, system, requests: 1 };
  const { ttftS } = await latenciesAt(one, loadOf(one), 1);
  return mean(ttftS);
}
