import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { UserError } from '../src/core/errors.ts';
import type { PlanStats, Source } from '../src/core/plan.ts';
import type { Request } from '../src/core/request.ts';
import { PrefixReuse } from './inspect/prefix.ts';

/**
 * The first pass over a plan, before anything is sent: that every row can be read, how much there is, and the digest
 * that names the load. The digest is SHA-256 over the seed and one JSON array a request:
 * [id, due_us, input, output, session, turn, class, model, blocks].
 */
export async function scanPlan(source: Source, seed: number): Promise<PlanStats> {
  const digest = createHash('sha256').update(`${seed}\n`);
  const totals = {
    requests: 0,
    lastDueUs: 0,
    inputTokens: 0,
    outputTokens: 0,
    minInputTokens: Number.POSITIVE_INFINITY,
    maxInputTokens: 0,
    maxOutputTokens: 0,
  };
  let longest: PlanStats['longest'] = { id: '', traceRow: 0, inputTokens: 0, outputTokens: 0 };
  const prefix = new PrefixReuse(source.blockTokens ?? null);
  for await (const batch of source.open()) {
    digest.update(batch.map(digestLine).join(''));
    for (const request of batch) {
      const { dueUs, inputTokens, outputTokens } = request;
      prefix.add(request);
      if (inputTokens + outputTokens > longest.inputTokens + longest.outputTokens)
        longest = { id: request.id, traceRow: request.traceRow, inputTokens, outputTokens };
      totals.requests++;
      totals.lastDueUs = dueUs;
      totals.inputTokens += inputTokens;
      totals.outputTokens += outputTokens;
      totals.minInputTokens = Math.min(totals.minInputTokens, inputTokens);
      totals.maxInputTokens = Math.max(totals.maxInputTokens, inputTokens);
      totals.maxOutputTokens = Math.max(totals.maxOutputTokens, outputTokens);
    }
  }
  if (totals.requests === 0) throw new UserError(`${source.path}: there is no request in it to replay`);
  return {
    ...totals,
    longest,
    prefixReuse: prefix.statistics()?.max_hit_ratio_tokens ?? null,
    sourceSha256: await fileSha256(source.path),
    digest: digest.digest('hex'),
  };
}

function digestLine({ id, dueUs, inputTokens, outputTokens, session, turn, sloClass, model, blocks }: Request): string {
  return `${JSON.stringify([id, dueUs, inputTokens, outputTokens, session, turn, sloClass, model, blocks])}\n`;
}

async function fileSha256(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}
