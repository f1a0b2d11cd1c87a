import type { Clock } from '../../core/clock.ts';
import type { Batch } from '../cost/batch.ts';
import type { Demand, SharedCostModel } from '../cost/cost-model.ts';
import { NEXUS_CURVE, type ShareCurve } from '../cost/share-curve.ts';
import type { Executor } from './pipeline.ts';
import { SharedWork, type Piece } from './shared-work.ts';

/**
 * The share of a GPU for a batch that begins. `other`: the batch of the other lane that is under way, which keeps the
 * share that it began with; null: the other lane is idle. Above 0, at most 1.
 */
export type ShareChoice = (batch: Batch, other: Batch | null) => number;

/** A batch under way on its lane's share. */
interface Running {
  readonly batch: Batch;
  readonly share: number;
  /** Its time if it were alone. */
  readonly aloneUs: number;
}

/**
 * A GPU on which the batches of two lanes run at once (Green Contexts, MPS). Each takes the time of its share while the
 * other lane is idle; while both are busy, they are re-timed for what they leave each other:
 *
 * - Processors that both shares hold go to the batches by demand, the part of their shares that they keep busy: one that
 *   computes all of it, one that reads as many as keep the bandwidth whole.
 * - Bandwidth that both together exceed is shared so that neither gets less than half unless it asks for less.
 *
 * Both rules are choices of Reprise: Nexus' section 4.1 contends the bandwidth of decode attention alone, by the bytes of
 * both phases, and semi-PD names none.
 */
export class Device {
  readonly #work: SharedWork<Running>;
  readonly #cost: SharedCostModel;
  /** The batch of each lane; null: none is under way. */
  readonly #running: (Batch | null)[] = [];

  /** `cost`: without noise, which is in the times that lanes are given. */
  constructor(clock: Clock, cost: SharedCostModel, curve: ShareCurve = NEXUS_CURVE) {
    this.#cost = cost;
    this.#work = new SharedWork(clock, (pieces) => {
      const [first, second] = pieces;
      if (first === undefined) return;
      if (second === undefined) first.rate = 1;
      else contend(first, second, cost, curve);
    });
  }

  /** Runs one batch at a time. A device has two lanes at most. */
  lane(choose: ShareChoice): Executor {
    const [work, cost, running] = [this.#work, this.#cost, this.#running];
    const at = running.length;
    running.push(null);
    let share = 1;
    return {
      depth: 1,
      shareFor(batch) {
        share = choose(batch, running[1 - at] ?? null);
        return share;
      },
      run(stageUs, done, free, batch) {
        running[at] = batch;
        work.start(stageUs, { batch, share, aloneUs: cost.timeUs(batch, share) }, () => {
          running[at] = null;
          done();
          free();
        });
      },
    };
  }
}

/** Sets the rates of two batches, as parts of their speed alone. */
function contend(a: Piece<Running>, b: Piece<Running>, cost: SharedCostModel, curve: ShareCurve): void {
  const [ofA, ofB] = [a.of, b.of];
  const [asksA, asksB] = [cost.demand(ofA.batch), cost.demand(ofB.batch)];
  const bothHold = Math.max(0, ofA.share + ofB.share - 1);
  const [wantsA, wantsB] = [busyPart(asksA, ofA, curve), busyPart(asksB, ofB, curve)];
  const partOfA = wantsA / (wantsA + wantsB);
  const usA = cost.timeUs(ofA.batch, ofA.share - bothHold * (1 - partOfA));
  const usB = cost.timeUs(ofB.batch, ofB.share - bothHold * partOfA);
  const [bandwidthA, bandwidthB] = [asksA.memoryUs / usA, asksB.memoryUs / usB];
  a.rate = (ofA.aloneUs / usA) * served(bandwidthA, bandwidthB);
  b.rate = (ofB.aloneUs / usB) * served(bandwidthB, bandwidthA);
}

/** Part of the processors of its share that a batch keeps busy. */
function busyPart({ arithmeticUs, memoryUs }: Demand, { share, aloneUs }: Running, curve: ShareCurve): number {
  return Math.min(1, Math.max(arithmeticUs, memoryUs * curve.bandwidthSaturation) / (share * aloneUs));
}

/** Part of its bandwidth that a batch gets beside one that asks for `other`, both as parts of the GPU's. */
function served(own: number, other: number): number {
  if (own + other <= 1) return 1;
  return Math.min(1, Math.max(0.5, 1 - other) / own);
}
