/**
 * The work of one iteration, as cost models see it: prefill chunks one by one, for they are few and unequal; decodes
 * only as sums, kept while the batch is built. Reused from iteration to iteration.
 */
export class Batch {
  /** Prompt tokens that chunk i computes, and tokens of its request computed before. */
  readonly chunkTokens: number[] = [];
  readonly chunkPast: number[] = [];
  /** Requests that compute one token after a whole prompt. */
  decodes = 0;
  /** Tokens that decodes attend to, each its own new one included. */
  decodeContextTokens = 0;
  /** Tokens computed in all. */
  newTokens = 0;
  /** Tokens that come out. */
  sampledTokens = 0;
  /** KV blocks that are copied to the host's memory or back before it. */
  swappedBlocks = 0;

  get sequences(): number {
    return this.chunkTokens.length + this.decodes;
  }

  clear(): void {
    // Most iterations have none, and to shorten an array is not free.
    if (this.chunkTokens.length > 0) this.chunkTokens.length = this.chunkPast.length = 0;
    this.decodes = 0;
    this.decodeContextTokens = 0;
    this.newTokens = 0;
    this.sampledTokens = 0;
    this.swappedBlocks = 0;
  }

  /** `tokens` of a prompt whose first `past` tokens are computed; `completes`: they are its last. */
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
