/**
 * The work of one iteration, as cost models see it: prefill chunks one by one, because they are few and unequal;
 * decodes only as sums, kept while the batch is built. Reused in every iteration.
 */
export class Batch {
  /** Prompt tokens that chunk i computes, and tokens of its request that were computed before. */
  readonly chunkTokens: number[] = [];
  readonly chunkPast: number[] = [];
  /** Requests that compute one token after a whole prompt. */
  decodes = 0;
  /** Tokens that decodes attend to, the new token of each included. */
  decodeContextTokens = 0;
  /** Tokens computed in all. */
  newTokens = 0;
  /** Tokens that the iteration outputs. */
  sampledTokens = 0;
  /** KV blocks that are copied to host memory or back before the iteration. */
  swappedBlocks = 0;
  /** Whether the host prepared it while the GPU ran the batch before. */
  isAhead = false;

  get sequences(): number {
    return this.chunkTokens.length + this.decodes;
  }

  clear(): void {
    // Most iterations have no chunks, and shortening an array costs time.
    if (this.chunkTokens.length > 0) this.chunkTokens.length = this.chunkPast.length = 0;
    this.decodes = 0;
    this.decodeContextTokens = 0;
    this.newTokens = 0;
    this.sampledTokens = 0;
    this.swappedBlocks = 0;
    this.isAhead = false;
  }

  /** Adds `tokens` tokens of a prompt whose first `past` tokens are computed; `completes`: they are its last. */
  addChunk(tokens: number, past: number, completes: boolean): void {
    this.chunkTokens.push(tokens);
    this.chunkPast.push(past);
    this.newTokens += tokens;
    if (completes) this.sampledTokens++;
  }

  addDecode(contextTokens: number): void {
    this.decodes++;
    this.decodeContextTokens += contextTokens;
    this.newTokens++;
    this.sampledTokens++;
  }
}
