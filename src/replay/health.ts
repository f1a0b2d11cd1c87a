import { createHistogram } from 'node:perf_hooks';
import type { ClientSample } from '../schema/client-sample.ts';
import type { ClientHealth } from '../schema/manifest.ts';
import { addPauses, noPauses, type Pauses } from '../core/pauses.ts';
import type { WallClock } from '../core/wall-clock.ts';
import { busiestSecond } from './busiest.ts';
import { coreWaitUs } from './cores.ts';
import { GcPauses } from './gc-pauses.ts';
import type { Recorder } from './recorder.ts';
import { STALL_US, type StallLog, TICK_US } from './stalls.ts';

/** Time that a row of `client.parquet` covers. */
const SAMPLE_US = 1e6;
/** Records wait at most this long before they are handed to the writer. */
const FLUSH_EVERY_US = 100_000;
const MAX_DELAY_US = 3.6e9;

/**
 * Monitors the client during a replay: delays of the event loop and what took it, CPU, requests in flight. None of it
 * enters a reported latency; it decides whether the latencies can be trusted.
 */
export class HealthMonitor {
  readonly #clock: WallClock;
  readonly #recorder: Recorder;
  /** Microseconds, from 1 to an hour. */
  readonly #delays = createHistogram({ highest: MAX_DELAY_US, figures: 3 });
  readonly #stalls: StallLog;
  readonly #gc: GcPauses;
  /** Of the whole run. */
  readonly #unread = noPauses();
  readonly #cpuAtStart = process.cpuUsage();
  readonly #waitedAtStartUs = coreWaitUs();
  #timer: NodeJS.Timeout | undefined;
  #startUs = 0;
  #lastUs = 0;
  #flushedUs = 0;
  #inFlightTime = 0;
  readonly samples: ClientSample[] = [];
  #sampledUs = 0;
  #sampledCpu = this.#cpuAtStart;
  #sampledPollingUs = 0;
  #sampledReadingUs = 0;
  #sampledWaitUs = this.#waitedAtStartUs;
  #sampledGcUs = 0;
  /** At the last sample or stall. */
  #stallWaitUs = this.#waitedAtStartUs;
  #maxDelayUs = 0;

  /** `stalls`: the log from which the recorder marks records. */
  constructor(clock: WallClock, recorder: Recorder, stalls: StallLog) {
    this.#clock = clock;
    this.#recorder = recorder;
    this.#stalls = stalls;
    this.#gc = new GcPauses(() => clock.zeroUs);
  }

  start(): void {
    this.#startUs = this.#lastUs = this.#flushedUs = this.#sampledUs = this.#clock.read();
    this.#stalls.check(this.#startUs, 0, null);
    this.#clock.takeUnread();
    this.#gc.start();
    this.#timer = setInterval(this.#tick, TICK_US / 1000);
  }

  /** Ends the monitoring and returns its results. */
  stop(): ClientHealth {
    this.#tick();
    clearInterval(this.#timer);
    this.#gc.stop();
    this.#sample();
    const cpu = process.cpuUsage(this.#cpuAtStart);
    const waitedUs = difference(this.#waitedAtStartUs, coreWaitUs());
    const duration = Math.max(1, this.#lastUs - this.#startUs);
    const busiest = busiestSecond(this.samples);
    return {
      duration_s: duration / 1e6,
      machine_zero_us: this.#clock.zeroUs,
      cpu_s: (cpu.user + cpu.system) / 1e6,
      polling_s: this.#clock.pollingUs / 1e6,
      reading_s: this.#clock.readingUs / 1e6,
      core_wait_s: waitedUs === null ? null : waitedUs / 1e6,
      event_loop_delay_ms: {
        p50: this.#delays.percentile(50) / 1000,
        p90: this.#delays.percentile(90) / 1000,
        p99: this.#delays.percentile(99) / 1000,
        max: this.#delays.max / 1000,
      },
      gc: pauses(this.#gc.total),
      unread: pauses(this.#unread),
      stalls: this.#stalls.all.map((stall) => ({ ...stall, gc_us: Math.round(this.#gc.within(stall)) })),
      mean_in_flight: this.#inFlightTime / duration,
      ...(busiest === undefined ? {} : { busiest_second: busiest }),
    };
  }

  readonly #tick = (): void => {
    const nowUs = this.#clock.read();
    const gapUs = nowUs - this.#lastUs;
    const delayUs = Math.max(0, gapUs - TICK_US);
    this.#delays.record(Math.min(Math.max(1, Math.round(delayUs)), MAX_DELAY_US));
    this.#stalls.check(nowUs, delayUs, delayUs < STALL_US ? null : this.#waited(delayUs));
    this.#inFlightTime += this.#recorder.inFlight * gapUs;
    this.#lastUs = nowUs;
    this.#maxDelayUs = Math.max(this.#maxDelayUs, delayUs);
    if (nowUs - this.#sampledUs >= SAMPLE_US) this.#sample();
    if (nowUs - this.#flushedUs < FLUSH_EVERY_US && !this.#recorder.isFull) return;
    this.#flushedUs = nowUs;
    this.#recorder.flush();
  };

  /** How much of a stall that ends here the client waited for a core: at most what it has since the last look. */
  #waited(delayUs: number): number | null {
    const waitUs = coreWaitUs();
    const sinceUs = difference(this.#stallWaitUs, waitUs);
    this.#stallWaitUs = waitUs;
    return sinceUs === null ? null : Math.min(delayUs, sinceUs);
  }

  #sample(): void {
    const cpu = process.cpuUsage(this.#sampledCpu);
    const waitUs = coreWaitUs();
    const unread = this.#clock.takeUnread();
    addPauses(this.#unread, unread);
    const { due, sent, tokens } = this.#recorder.progress;
    this.samples.push({
      time_us: this.#lastUs,
      in_flight: this.#recorder.inFlight,
      due,
      sent,
      tokens,
      lateness_max_us: this.#recorder.takeMaxLatenessUs(),
      event_loop_delay_max_us: this.#maxDelayUs,
      cpu_us: cpu.user + cpu.system,
      polling_us: this.#clock.pollingUs - this.#sampledPollingUs,
      reading_us: this.#clock.readingUs - this.#sampledReadingUs,
      core_wait_us: difference(this.#sampledWaitUs, waitUs),
      gc_us: this.#gc.total.totalUs - this.#sampledGcUs,
      unread_max_us: unread.longestUs,
      rss_bytes: residentBytes(),
    });
    this.#sampledUs = this.#lastUs;
    this.#sampledCpu = process.cpuUsage();
    this.#sampledPollingUs = this.#clock.pollingUs;
    this.#sampledReadingUs = this.#clock.readingUs;
    this.#sampledWaitUs = this.#stallWaitUs = waitUs;
    this.#sampledGcUs = this.#gc.total.totalUs;
    this.#maxDelayUs = 0;
  }
}

function pauses({ totalUs, longestUs, longestAtUs }: Pauses): ClientHealth['gc'] {
  return { total_s: totalUs / 1e6, longest_ms: longestUs / 1000, longest_at_us: Math.round(longestAtUs) };
}

function difference(from: number | null, to: number | null): number | null {
  return from === null || to === null ? null : to - from;
}

/** Null where the system does not tell, as where /proc is hidden. */
function residentBytes(): number | null {
  try {
    return process.memoryUsage.rss();
  } catch {
    return null;
  }
}
