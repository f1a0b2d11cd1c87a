import type { SweepReport } from '../../src/schema/sweep.ts';
export async function writeSweepHtml(_report: SweepReport, _judged: string | null): Promise<string> {
  return '';
}
