import type { Clock } from '../../core/clock.ts';
import type { Executor } from './pipeline.ts';
import { SharedWork, type Piece } from './shared-work.ts';

/** A stream of batches on a device, one at a time, with a share of its processors. */
export interface Lane extends Executor {
  /**
   * The next batch is timed for it, and what is left of the batch under way takes as much longer or shorter at once.
   */
  setShare(share: number): void;
}

/**
 * A GPU that several lanes run on at once (Green Contexts, MPS), each for an instance of its own. The cost model times
 * a batch for the share of its lane (`CostModel.timeUs(batch, share)`). While the shares of the busy lanes are more
 * than the device, all take longer by that: batches under way are re-timed when a lane starts, stops or changes its
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
    let mine = share;
    let underWay: Piece | null = null;
    return {
      depth: 1,
      get share() {
        return mine;
      },
      run(stageUs, done, free) {
        // In microseconds of the whole device, which the lane gets by its share.
        underWay = work.start(stageUs * mine, mine, () => {
          underWay = null;
          done();
          free();
        });
      },
      setShare(next) {
        mine = next;
        if (underWay !== null) work.setWeight(underWay, next);
      },
    };
  }
}
