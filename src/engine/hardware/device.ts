import type { Clock } from '../../core/clock.ts';
import type { Executor } from './pipeline.ts';
import { SharedWork, type Piece } from './shared-work.ts';

/** Runs batches on a device, one at a time, with a share of its processors. */
export interface Lane extends Executor {
  /** The next batch is timed for the new share, and the rest of the batch under way takes longer or shorter at once. */
  setShare(share: number): void;
}

/**
 * A GPU on which several lanes run at once (Green Contexts, MPS), each for an instance of its own. The cost model times
 * a batch for the share of its lane (`CostModel.timeUs(batch, share)`). While the shares of the busy lanes exceed the
 * device, all take longer by that factor: batches under way are re-timed when a lane starts, stops or changes its
 * share.
 */
export class Device {
  readonly #work: SharedWork;

  constructor(clock: Clock) {
    this.#work = new SharedWork(clock, (pieces) => {
      let shares = 0;
      for (const { weight } of pieces) shares += weight;
      for (const piece of pieces) piece.rate = piece.weight / Math.max(1, shares);
    });
  }

  /** `share`: above 0, at most 1. */
  lane(share: number): Lane {
    const work = this.#work;
    let ownShare = share;
    let batch: Piece | null = null;
    return {
      depth: 1,
      get share() {
        return ownShare;
      },
      run(stageUs, done, free) {
        // In microseconds of the whole device, of which the lane gets its share.
        batch = work.start(stageUs * ownShare, ownShare, () => {
          batch = null;
          done();
          free();
        });
      },
      setShare(next) {
        ownShare = next;
        if (batch !== null) work.setWeight(batch, next);
      },
    };
  }
}
