import type { Clock } from '../../core/clock.ts';
import type { Load } from '../engine.ts';
import type { Destination, Instance } from '../instance/instance.ts';
import type { Prompt } from '../instance/prompt-content.ts';
import type { Sequence } from '../instance/sequence.ts';
import type { KvCacheView } from '../kv/kv-cache.ts';
import { KvReceiver, type KvTransfers } from './kv-receiver.ts';
import type { MemoryWaits } from './memory-waits.ts';
import type { InstanceView, Role } from './routers.ts';

/** An instance in a cluster: its role, and the requests that are on their way to it. */
export class Member implements InstanceView, Destination {
  readonly instance: Instance;
  role: Role;
  /** Null where the cluster has no links: what was computed is there at once. */
  readonly receiver: KvReceiver | null;
  readonly #clock: Clock;

  constructor(clock: Clock, instance: Instance, role: Role, transfers: KvTransfers | undefined, waits: MemoryWaits) {
    this.#clock = clock;
    this.instance = instance;
    this.role = role;
    this.receiver = transfers === undefined ? null : new KvReceiver(clock, instance, transfers, waits);
  }

  get name(): string {
    return this.instance.name;
  }

  get memory(): KvCacheView {
    return this.instance.memory;
  }

  requests(): number {
    return this.instance.requests() + this.between();
  }

  tokens(): number {
    return this.instance.tokens() + (this.receiver?.tokens() ?? 0);
  }

  cachedTokens(prompt: Prompt): number {
    return this.instance.memory.cachedTokens(prompt);
  }

  /** Whether it runs a batch, is about to look for one, or takes in a request. */
  isWorking(): boolean {
    return this.instance.isWorking || this.receiver?.isMoving === true;
  }

  /** Requests that are on their way here. */
  between(): number {
    return this.receiver?.requests() ?? 0;
  }

  /** Requests on their way here wait, as in vLLM, which counts those whose KV memory is fetched. */
  load(): Load {
    const load = this.instance.load();
    return { ...load, waiting: load.waiting + this.between() };
  }

  /** Whether it would begin to take in a request at once. */
  hasRoom(sequence: Sequence): boolean {
    return sequence.computedTokens === 0 || this.receiver?.hasRoom(sequence) === true;
  }

  receive(sequence: Sequence, from: Instance, tokens: number): void {
    if (tokens > 0 && from.memory !== this.instance.memory && this.receiver !== null) {
      this.receiver.offer(sequence, from, tokens);
      return;
    }
    sequence.times.transferBegins(this.#clock.now());
    sequence.times.arrived(this.#clock.now());
    if (from.memory === this.instance.memory) this.instance.accept(sequence);
    else {
      sequence.kv.release();
      this.instance.submit(sequence);
      from.wake();
    }
  }
}
