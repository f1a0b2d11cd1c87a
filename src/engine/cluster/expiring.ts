import type { Clock } from '../../core/clock.ts';

/** Values by key. Each is kept for the same time unless it is taken before; then `onExpiry` is called with it. */
export class Expiring<T> {
  readonly #clock: Clock;
  readonly #timeoutUs: number;
  readonly #onExpiry: (value: T) => void;
  /** In the order in which they are due. */
  readonly #kept = new Map<string, { readonly value: T; readonly dueUs: number }>();
  #isTimed = false;

  constructor(clock: Clock, timeoutUs: number, onExpiry: (value: T) => void) {
    this.#clock = clock;
    this.#timeoutUs = timeoutUs;
    this.#onExpiry = onExpiry;
  }

  /** A value that was kept under this key is forgotten. */
  keep(key: string, value: T): void {
    const dueUs = this.#clock.now() + this.#timeoutUs;
    // Out of its old place in the order.
    this.#kept.delete(key);
    this.#kept.set(key, { value, dueUs });
    if (this.#isTimed) return;
    this.#isTimed = true;
    this.#clock.at(dueUs, this.#expire);
  }

  find(key: string): T | undefined {
    return this.#kept.get(key)?.value;
  }

  /** It does not expire any more. Undefined if it was not kept. */
  take(key: string): T | undefined {
    const value = this.find(key);
    this.#kept.delete(key);
    return value;
  }

  readonly #expire = (): void => {
    const nowUs = this.#clock.now();
    for (const [key, { value, dueUs }] of this.#kept) {
      if (dueUs > nowUs) {
        this.#clock.at(dueUs, this.#expire);
        return;
      }
      this.#kept.delete(key);
      this.#onExpiry(value);
    }
    this.#isTimed = false;
  };
}
