import type { Completion, Listener } from '../../src/engine/engine.ts';

/** What the engine said of a request. */
export class Heard implements Listener {
  readonly tokenTimesUs: number[] = [];
  completion: Completion | null = null;
  refusal = '';

  tokens(timeUs: number, count: number): void {
    for (let i = 0; i < count; i++) this.tokenTimesUs.push(timeUs);
  }

  end(_timeUs: number, completion: Completion): void {
    this.completion = completion;
  }

  reject(status: number, message: string): void {
    this.refusal = `${status} ${message}`;
  }
}
