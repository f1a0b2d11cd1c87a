import { UserError } from '../core/errors.ts';
import type { VirtualClock } from '../core/virtual-clock.ts';
import { instanceLabels, ITERATION_TOKENS, loadFamilies, type Engine, type Labels } from '../engine/index.ts';
import { serverFile, writeError } from '../runs/run-directory.ts';
import { ServerFile } from '../runs/server-file.ts';
import type { Scrape, ServerSample } from '../schema/server-metrics.ts';
import type { MetricsMonitor } from '../serving/metrics-monitor.ts';

/** 1/64 s, so that a run of some seconds has a course, and doubling arrives at whole seconds. */
const SHORTEST_STEP_US = 15_625;
/** Samples that are kept, an even number: several for each bin of a timeline. Fewer of many instances. */
const MOST_SAMPLES = 2048;
const FEWEST_SAMPLES = 256;
const MOST_LOADS = 8 * MOST_SAMPLES;

/**
 * Watches an engine in virtual time, between its events, and tells of its load what its `/metrics` tells over HTTP, at
 * steps of virtual time in place of scrapes. `durationUs`: how long the run will take, about.
 */
export function monitorEngine(engine: Engine, clock: VirtualClock, durationUs: number): MetricsMonitor {
  const labels = instanceLabels(engine);
  const json = new Map<Labels, string>();
  const read = (timeUs: number): Scrape => ({ timeUs, samples: samplesOf(engine, labels, json) });
  let watched: { readonly dir: string; readonly first: Scrape; readonly samples: StepSamples } | null = null;
  return {
    begin(dir) {
      const samples = new StepSamples(durationUs, labels.length, read);
      // Before the first event, so that counters are counted from 0.
      watched = { dir, first: read(-samples.nextUs), samples };
      clock.observe(samples.nextUs, (timeUs) => samples.take(timeUs));
    },
    async end() {
      if (watched === null) return null;
      const { dir, first, samples } = watched;
      try {
        const file = new ServerFile(dir);
        for (const { timeUs, samples: values } of [first, ...samples.kept, read(clock.now())]) file.add(timeUs, values);
        file.close();
        return null;
      } catch (thrown) {
        const error = writeError(serverFile(dir), thrown);
        if (!(error instanceof UserError)) throw error;
        return `the engine's metrics are not kept: ${error.message}`;
      }
    },
  };
}

/** Of a step, from one sample to the next: multiples of the golden ratio are the most evenly spread. */
const SHIFT = (Math.sqrt(5) - 1) / 2;

/**
 * One sample in each of equal steps, each at another part of its step: at equal times, samples of a load with a period
 * (many traces have times of whole seconds or milliseconds) would all see the same part of it. Where a run takes longer
 * than was thought, steps double, and of each two samples one is kept.
 */
export class StepSamples {
  readonly kept: Scrape[] = [];
  readonly #most: number;
  readonly #read: (timeUs: number) => Scrape;
  #stepUs = SHORTEST_STEP_US;
  nextUs: number;

  constructor(durationUs: number, instances: number, read: (timeUs: number) => Scrape) {
    this.#most = Math.max(FEWEST_SAMPLES, Math.min(MOST_SAMPLES, 2 * Math.floor(MOST_LOADS / instances / 2)));
    this.#read = read;
    while (durationUs / this.#stepUs >= this.#most) this.#stepUs *= 2;
    this.nextUs = this.#next();
  }

  /** Returns the time of the next. */
  take(timeUs: number): number {
    const { kept } = this;
    kept.push(this.#read(timeUs));
    if (kept.length >= this.#most) {
      kept.splice(0, kept.length, ...kept.filter((_, i) => i % 2 === choice(Math.floor(i / 2))));
      this.#stepUs *= 2;
    }
    this.nextUs = this.#next();
    return this.nextUs;
  }

  /** There is a sample in each step so far; the first is in the middle of its own. */
  #next(): number {
    const steps = this.kept.length;
    return Math.floor((steps + ((0.5 + steps * SHIFT) % 1)) * this.#stepUs);
  }
}

/** The first or the second of a pair, each as often, and without a period. */
function choice(pair: number): number {
  return Math.floor(2 * ((pair * Math.SQRT2) % 1));
}

/** The load as a scrape of vLLM's metrics would tell it; of the histogram of iterations the sum and the count alone. */
function samplesOf(engine: Engine, labels: readonly Labels[], json: Map<Labels, string>): ServerSample[] {
  const sample = (name: string, of: Labels, value: number): ServerSample => ({ name, labels: jsonOf(of, json), value });
  return [
    ...loadFamilies(engine, labels, 'vllm').flatMap(({ name, values }) =>
      values.map((of) => sample(name, of.labels, of.value)),
    ),
    ...engine.instances.flatMap((instance, i) => {
      const { iterations, iterationTokens } = instance.load();
      return [
        sample(`${ITERATION_TOKENS}_sum`, labels[i] ?? {}, iterationTokens),
        sample(`${ITERATION_TOKENS}_count`, labels[i] ?? {}, iterations),
      ];
    }),
  ];
}

/** Names sorted, as `ServerSample` has them; made once, for there are few and they are written often. */
function jsonOf(labels: Labels, known: Map<Labels, string>): string {
  let json = known.get(labels);
  if (json === undefined) known.set(labels, (json = JSON.stringify(labels, Object.keys(labels).toSorted())));
  return json;
}
