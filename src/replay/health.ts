import { build, type Histogram } from 'hdr-histogram-js';
import type { ClientSample } from '../schema/client-sample.ts';
import type { ClientHealth } from '../schema/manifest.ts';
import type { WallClock } from '../core/wall-clock.ts';
import { busiestSecond } from './busiest.ts';
import { coreWaitUs } from './cores.ts';
import type { Recorder } from './recorder.ts';
import { type StallLog, TICK_US } from './stalls.ts';

/** Time that a row of `client.parquet` covers. */
const SAMPLE_US = 1e6;
/** Records wait at most this long before they are handed to the writer. */
const FLUSH_EVERY_US = 100_000;

/**
 * Monitors the client during a replay: delays of the event loop, CPU, requests in flight. None of it enters a reported
 * latency; it decides whether the latencies can be trusted.
 */
export class HealthMonitor {
  readonly #clock: WallClock;
  readonly #recorder: Recorder;
  readonly #delays: Histogram = build({
    lowestDiscernibleValue: 1,
    highestTrackableValue: 3.6e9,
    numberOfSignificantValueDigits: 3,
  });
  readonly #stalls: StallLog;
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
  #maxDelayUs = 0;

  /** `stalls`: the log from which the recorder marks records. */
  constructor(clock: WallClock, recorder: Recorder, stalls: StallLog) {
    this.#clock = clock;
    this.#recorder = recorder;
    this.#stalls = stalls;
  }

  start(): void {
    this.#startUs = this.#lastUs = this.#flushedUs = this.#sampledUs = this.#clock.read();
    this.#stalls.check(this.#startUs, 0);
    this.#timer = setInterval(this.#tick, TICK_US / 1000);
  }

  /** Ends the monitoring and returns its results. */
  stop(): ClientHealth {
    this.#tick();
    clearInterval(this.#timer);
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
        p50: this.#delays.getValueAtPercentile(50) / 1000,
        p90: this.#delays.getValueAtPercentile(90) / 1000,
        p99: this.#delays.getValueAtPercentile(99) / 1000,
        max: this.#delays.maxValue / 1000,
      },
      stalls: [...this.#stalls.all],
      mean_in_flight: this.#inFlightTime / duration,
      ...(busiest === undefined ? {} : { busiest_second: busiest }),
    };
  }

  readonly #tick = (): void => {
    const nowUs = this.#clock.read();
    const gapUs = nowUs - this.#lastUs;
    const delayUs = Math.max(0, gapUs - TICK_US);
    this.#delays.recordValue(Math.round(delayUs));
    this.#stalls.check(nowUs, delayUs);
    this.#inFlightTime += this.#recorder.inFlight * gapUs;
    this.#lastUs = nowUs;
    this.#maxDelayUs = Math.max(this.#maxDelayUs, delayUs);
    if (nowUs - this.#sampledUs >= SAMPLE_US) this.#sample();
    if (nowUs - this.#flushedUs < FLUSH_EVERY_US && !this.#recorder.isFull) return;
    this.#flushedUs = nowUs;
    this.#recorder.flush();
  };

  #sample(): void {
    const cpu = process.cpuUsage(this.#sampledCpu);
    const waitUs = coreWaitUs();
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
      rss_bytes: process.memoryUsage.rss(),
    });
    this.#sampledUs = this.#lastUs;
    this.#sampledCpu = process.cpuUsage();
    this.#sampledPollingUs = this.#clock.pollingUs;
    this.#sampledReadingUs = this.#clock.readingUs;
    this.#sampledWaitUs = waitUs;
    this.#maxDelayUs = 0;
  }
}

function difference(from: number | null, to: number | null): number | null {
  return from === null || to === null ? null : to - from;
}
