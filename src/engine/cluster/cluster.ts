import type { Clock } from '../../core/clock.ts';
import { NO_LOAD, sumOfLoads, type Engine, type EngineRequest, type Listener, type Load } from '../engine.ts';
import { Instance, type InstanceHooks, type NextStage } from '../instance/instance.ts';
import type { KvCacheView } from '../kv/kv-cache.ts';
import { Sequence, type PrefillMode } from '../instance/sequence.ts';
import { WaitingQueue, type QueueView } from '../instance/waiting-queue.ts';
import { Ticker, type ClusterControl, type Controller } from './controller.ts';
import type { KvTransfers } from './kv-receiver.ts';
import { Member } from './member.ts';
import { MemoryWaits } from './memory-waits.ts';
import { lengthRefusal, memoryRefusal } from './refusal.ts';
import { serves, type Role, type Router, type Stage } from './routers.ts';

export interface ClusterParts {
  readonly clock: Clock;
  readonly maxModelLen: number;
  /** Longest prompt, where one batch must hold it whole; otherwise memory and `maxModelLen` alone limit it. */
  readonly maxPromptTokens?: number | undefined;
  readonly members: readonly MemberParts[];
  readonly router: Router;
  /** Without links, what was computed elsewhere is there at once, and takes its memory when it is admitted. */
  readonly transfers?: KvTransfers | undefined;
  /**
   * Requests go on before their first token, and compute the last token of their prompt again where they decode: the
   * token that came out where their prompt was computed reaches no user.
   */
  readonly repeatsFirstToken?: boolean | undefined;
  readonly controller?: Controller | undefined;
}

/** An instance of a cluster, and the role that it begins with. */
export interface MemberParts {
  readonly role: Role;
  /** `hooks` go into the parts of the instance. */
  readonly create: (hooks: InstanceHooks) => Instance;
}

/** How a request comes to a cluster. */
export interface Entry {
  readonly stage: Stage;
  readonly prefillMode: PrefillMode;
  /** Now, if left out. */
  readonly arrivalUs?: number;
  /** Given where its prompt is computed: called once the request is let in, and makes it go on from there. */
  readonly goOn?: (sequence: Sequence) => Computed;
}

/** Where a prompt is computed, and how many tokens are in memory there. */
interface Computed {
  readonly from: Instance;
  readonly tokens: number;
}

/** A request that an instance is looked for. */
interface Pending {
  readonly sequence: Sequence;
  readonly stage: Stage;
  readonly computed: Computed | null;
}

/** HTTP's Service Unavailable, as from a server whose queue is full. */
const REJECTED_STATUS = 503;
/** Ticks of a controller during which nothing runs or moves: more are a fault of the router or the controller. */
const MAX_IDLE_TICKS = 1000;

/** An engine of many instances. */
export function cluster(parts: ClusterParts): Engine {
  return new Cluster(parts).engine();
}

/**
 * Instances behind a router, which is asked where a request goes when it arrives, and again when its prompt is computed
 * at an instance that only computes prompts. Requests that it holds wait here.
 */
export class Cluster implements ClusterControl<Sequence> {
  readonly instances: readonly Member[];
  readonly #parts: ClusterParts;
  readonly #held: Readonly<Record<Stage, WaitingQueue<Pending>>> = {
    prefill: new WaitingQueue<Pending>(),
    decode: new WaitingQueue<Pending>(),
  };
  /** Requests that are to move when their batch has ended, and where. */
  readonly #leaving = new Map<Sequence, Member>();
  readonly #waits = new MemoryWaits();
  readonly #ticker: Ticker | null;
  #idleTicks = 0;

  constructor(parts: ClusterParts) {
    const { clock, controller } = parts;
    if (controller !== undefined && !(controller.periodUs > 0))
      throw new RangeError(`the period of a controller is ${controller.periodUs} us, and must be above 0`);
    this.#parts = parts;
    this.instances = parts.members.map((member) => this.#join(member));
    this.#ticker =
      controller === undefined ? null : new Ticker(clock, controller.periodUs, () => this.#tick(controller));
  }

  get nowUs(): number {
    return this.#parts.clock.now();
  }

  /** All of it, or the instances that serve one stage, where what is submitted is served to its last token. */
  engine(stage?: Stage): Engine {
    const entry: Entry =
      stage === undefined ? { stage: 'prefill', prefillMode: 'transfer' } : { stage, prefillMode: 'local' };
    return {
      maxModelLen: this.#parts.maxModelLen,
      submit: (request, listener) => {
        const sequence = this.enter(request, listener, entry);
        return () => sequence.cancel();
      },
      load: () => this.#load(stage),
      instances: this.#serving(stage).map((member) => ({
        name: member.name,
        role: member.role === 'both' ? null : member.role,
        load: () => member.load(),
      })),
      resetPrefixCache: () =>
        this.#serving(stage)
          .map(({ instance }) => instance.memory.reset())
          .every((forgot) => forgot),
    };
  }

  /** A request arrives. One that is refused has ended when this returns. */
  enter(request: EngineRequest, listener: Listener, entry: Entry): Sequence {
    const { stage, prefillMode, goOn, arrivalUs = this.nowUs } = entry;
    const sequence = new Sequence(request, listener, arrivalUs, prefillMode);
    // Before it is refused: the router stands in front of the server that refuses.
    const where = this.#ask(sequence, stage, this.held(stage));
    const refusal = this.refusal(request, entry);
    if (refusal !== null) refuse(sequence, 400, refusal);
    else {
      const computed = where === 'reject' || goOn === undefined ? null : goOn(sequence);
      this.#put({ sequence, stage, computed }, where);
      this.#ticker?.start();
    }
    return sequence;
  }

  /** Why a request can never be served; null if it can. */
  refusal(request: EngineRequest, entry: Entry): string | null {
    return lengthRefusal(request, this.#parts) ?? this.#memoryRefusal(request, entry);
  }

  held(stage: Stage): number {
    return this.#held[stage].length;
  }

  running(at: number): readonly Sequence[] {
    return this.#at(at).instance.running();
  }

  waiting(at: number): QueueView<Sequence> {
    return this.#at(at).instance.waiting;
  }

  setRole(at: number, role: Role): void {
    this.#at(at).role = role;
    this.offerHeld();
  }

  move(sequence: Sequence, to: number): boolean {
    const target = this.#at(to);
    const { place, state, prefillMode } = sequence;
    if (!(place instanceof Instance) || place === target.instance || state === 'ended') return false;
    if (prefillMode === 'hold' || !target.hasRoom(sequence)) return false;
    this.#leaving.delete(sequence);
    if (place.isComputing(sequence)) this.#leaving.set(sequence, target);
    else place.leave(sequence, target);
    return true;
  }

  /** In order, as long as the first is not held again: decodes first, for they hold memory. */
  offerHeld(): void {
    for (const queue of [this.#held.decode, this.#held.prefill])
      for (let first = queue.at(0); first !== undefined; first = queue.at(0)) {
        const where = this.#ask(first.sequence, first.stage, 0);
        if (where === 'hold') {
          this.#checkHeld();
          break;
        }
        queue.remove(first);
        this.#put(first, where);
      }
  }

  #join({ role, create }: MemberParts): Member {
    const { clock, transfers, repeatsFirstToken = false } = this.#parts;
    const decodeStage = {
      repeatsFirstToken,
      receive: (sequence: Sequence, from: Instance, tokens: number): void => {
        const where = this.#ask(sequence, 'decode', this.held('decode'));
        this.#put({ sequence, stage: 'decode', computed: { from, tokens } }, where);
      },
    };
    const sharers = (): Sharers => (sharing ??= this.#sharersOf(member));
    let sharing: Sharers | null = null;
    const { prefill, decode } = this.#held;
    const offerHeld = (): void => {
      if (prefill.length > 0 || decode.length > 0) this.offerHeld();
    };
    const instance = create({
      next: () => (member.role === 'prefill' ? (sharers().decodes ?? decodeStage) : null),
      onIterationEnd: () => {
        if (this.#leaving.size > 0) this.#letLeave();
        offerHeld();
        // Memory may have come free.
        const { other } = sharers();
        if (other !== null && other.instance.waiting.length > 0) other.instance.wake();
      },
      onTurn: () => member.receiver?.turn() ?? true,
      onDecision: (isAhead) => {
        member.receiver?.look(isAhead);
        offerHeld();
        if (member.role === 'decode') sendBack(member, sharers().other);
      },
    });
    const member = new Member(clock, instance, role, transfers, this.#waits);
    return member;
  }

  /** The member that shares the memory of this one, and where requests go on whose prompts it computes in it. */
  #sharersOf(member: Member): Sharers {
    const other = this.instances.find((one) => one !== member && one.memory === member.memory) ?? null;
    const decodes = other?.role === 'decode' ? { repeatsFirstToken: false, takesBack: true } : null;
    return {
      other,
      decodes: other === null || decodes === null ? null : { ...decodes, receive: other.receive.bind(other) },
    };
  }

  /** What the router says; `ahead`: requests that are held before this one. */
  #ask(sequence: Sequence, stage: Stage, ahead: number): ReturnType<Router> {
    const { promptTokens, content, generatedTokens, maxTokens, arrivalUs } = sequence;
    const request = { promptTokens, content, generatedTokens, maxTokens, arrivalUs, stage, ahead };
    return this.#parts.router(request, this.instances);
  }

  #put(pending: Pending, where: ReturnType<Router>): void {
    const { sequence, stage, computed } = pending;
    if (where === 'hold') {
      this.#held[stage].push(pending);
      sequence.place = { cancel: () => this.#drop(pending) };
      this.#checkHeld();
    } else if (where !== 'reject') {
      const member = this.#at(where);
      if (computed === null) member.instance.submit(sequence);
      else member.receive(sequence, computed.from, computed.tokens);
    } else if (computed === null) refuse(sequence, REJECTED_STATUS, 'No instance takes the request at this time.');
    else throw new Error('the router rejects a request whose prompt is computed');
  }

  #letLeave(): void {
    for (const [sequence, target] of this.#leaving) {
      const { place, state } = sequence;
      const isHere = place instanceof Instance && state !== 'ended';
      if (isHere && place.isComputing(sequence)) continue;
      this.#leaving.delete(sequence);
      if (isHere && place !== target.instance && target.hasRoom(sequence)) place.leave(sequence, target);
    }
  }

  #drop(pending: Pending): void {
    const { sequence, stage, computed } = pending;
    this.#held[stage].remove(pending);
    sequence.kv.release();
    computed?.from.wake();
    this.offerHeld();
  }

  /** What the router waits for has to happen at an instance, or a controller has to bring it about. */
  #checkHeld(): void {
    if (this.#ticker === null && !this.#isBusy())
      throw new Error('the router holds requests while all instances are idle');
  }

  #tick(controller: Controller): boolean {
    if (!this.#isBusy() && this.held('prefill') + this.held('decode') === 0) return false;
    const isWorking = this.instances.some((member) => member.isWorking());
    controller.act(this);
    this.#idleTicks = isWorking ? 0 : this.#idleTicks + 1;
    if (this.#idleTicks > MAX_IDLE_TICKS)
      throw new Error(`the controller leaves requests held for ${MAX_IDLE_TICKS} periods while all instances are idle`);
    return true;
  }

  /** Whether a request is at an instance, or memory is in use by other than held requests. */
  #isBusy(): boolean {
    if (this.instances.some((member) => member.requests() > 0)) return true;
    const usedBlocks = this.instances.reduce((sum, { memory }) => sum + memory.capacityBlocks - memory.freeBlocks, 0);
    return usedBlocks > this.#held.decode.sum(({ sequence }) => sequence.heldBlocks());
  }

  /** A request must fit wherever it may be sent: whole, or its prompt alone where it is only computed. */
  #memoryRefusal({ inputTokens, maxTokens }: EngineRequest, { stage, prefillMode }: Entry): string | null {
    const isLocal = prefillMode === 'local';
    const goesOn = !isLocal && this.#parts.controller === undefined;
    for (const { memory, role } of isLocal ? this.#serving(stage) : this.instances) {
      const tokens = goesOn && role === 'prefill' ? inputTokens : inputTokens + maxTokens;
      const refusal = memoryRefusal(memory, tokens);
      if (refusal !== null) return refusal;
    }
    return null;
  }

  #load(stage: Stage | undefined): Load {
    const held = stage === undefined ? this.held('prefill') + this.held('decode') : this.held(stage);
    const counted = new Set<KvCacheView>();
    return this.#serving(stage)
      .map((member) => {
        const load = member.load();
        if (!counted.has(member.memory)) counted.add(member.memory);
        else return { ...load, usedBlocks: 0, capacityBlocks: 0, capacityTokens: 0 };
        return load;
      })
      .reduce(sumOfLoads, { ...NO_LOAD, waiting: held });
  }

  #serving(stage: Stage | undefined): readonly Member[] {
    return stage === undefined ? this.instances : this.instances.filter(({ role }) => serves(role, stage));
  }

  #at(position: number): Member {
    const member = this.instances[position];
    if (member === undefined) throw new Error(`there is no instance ${position} of ${this.instances.length}`);
    return member;
  }
}

/** Two members of one GPU with one memory: one computes prompts, one decodes. */
interface Sharers {
  readonly other: Member | null;
  readonly decodes: NextStage | null;
}

/** What lost its memory where only decodes run is computed again where prompts are. */
function sendBack(member: Member, other: Member | null): void {
  if (other === null) return;
  const { instance } = member;
  for (let i = instance.waiting.length - 1; i >= 0; i--) {
    const sequence = instance.waiting.at(i);
    if (sequence?.heldBlocks() === 0) instance.leave(sequence, other);
  }
}

function refuse(sequence: Sequence, status: number, message: string): void {
  sequence.state = 'ended';
  sequence.listener.reject(status, message);
}
