import type { Request } from '../../src/core/request.ts';
import type { TraceTimeBin } from '../../src/core/trace-inspection.ts';

/** So many bins are held; the page's and the picture's are made of hundreds of them each. */
const HELD = 2 ** 16;
const NARROWEST_US = 1000;
/** On the page: as many as its panels have room for. */
const SHOWN = 240;
/** Of which a bin may be so many. */
const STEPS_S = [
  0.001, 0.01, 0.1, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 43_200, 86_400,
];

/**
 * Arrivals and tokens over time, in bins that grow with the trace, so that memory is bounded. What is made of them puts
 * each into the part that its middle is in: to a hundredth of a part.
 */
export class TimeBins {
  readonly #requests = new Float64Array(HELD);
  readonly #input = new Float64Array(HELD);
  readonly #output = new Float64Array(HELD);
  #widthUs = NARROWEST_US;
  #firstUs: number | null;
  #lastUs = Number.NEGATIVE_INFINITY;

  /** `firstUs`: time of the first request, where they are not added in order. */
  constructor(firstUs: number | null = null) {
    this.#firstUs = firstUs;
  }

  add({ dueUs, inputTokens, outputTokens }: Request): void {
    if (this.#firstUs === null) this.#firstUs = dueUs;
    if (dueUs > this.#lastUs) this.#lastUs = dueUs;
    while (dueUs - this.#firstUs >= this.#widthUs * HELD) this.#widen();
    const bin = Math.floor((dueUs - this.#firstUs) / this.#widthUs);
    this.#requests[bin] = (this.#requests[bin] ?? 0) + 1;
    this.#input[bin] = (this.#input[bin] ?? 0) + inputTokens;
    this.#output[bin] = (this.#output[bin] ?? 0) + outputTokens;
  }

  #widen(): void {
    for (const column of [this.#requests, this.#input, this.#output]) {
      for (let i = 0; i < HELD / 2; i++) column[i] = (column[2 * i] ?? 0) + (column[2 * i + 1] ?? 0);
      column.fill(0, HELD / 2);
    }
    this.#widthUs *= 2;
  }

  get #durationUs(): number {
    return this.#firstUs === null ? 0 : Math.max(0, this.#lastUs - this.#firstUs);
  }

  /** Arrivals in `parts` equal parts of the trace. */
  picture(parts: number): number[] {
    const us = Math.max(1, this.#durationUs) / parts;
    return this.#inParts(us, parts).map(([requests]) => requests);
  }

  /** In bins of a usual length, 240 at most; the last ends with the trace. None where all arrive at one time. */
  overTime(): TraceTimeBin[] {
    const durationS = this.#durationUs / 1e6;
    if (durationS === 0) return [];
    const stepS = STEPS_S.find((step) => durationS / step <= SHOWN) ?? Math.ceil(durationS / SHOWN / 86_400) * 86_400;
    // A short rest of time joins the bin before: its rate would be that of chance.
    const parts = Math.max(1, Math.round(durationS / stepS));
    return this.#inParts(stepS * 1e6, parts).map(([requests, input, output], i) => ({
      from_s: i * stepS,
      to_s: i === parts - 1 ? durationS : (i + 1) * stepS,
      requests,
      input_tokens: input,
      output_tokens: output,
    }));
  }

  /** The last of the parts has what is behind it too. */
  #inParts(partUs: number, parts: number): [requests: number, input: number, output: number][] {
    const found = Array.from({ length: parts }, (): [number, number, number] => [0, 0, 0]);
    for (let i = 0; i < HELD; i++) {
      const requests = this.#requests[i] ?? 0;
      if (requests === 0) continue;
      const part = found[Math.min(parts - 1, Math.floor(((i + 0.5) * this.#widthUs) / partUs))];
      if (part === undefined) continue;
      part[0] += requests;
      part[1] += this.#input[i] ?? 0;
      part[2] += this.#output[i] ?? 0;
    }
    return found;
  }
}
