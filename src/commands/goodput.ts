import { join, resolve } from 'node:path';
import { EXIT, UserError, type ExitCode } from '../core/errors.ts';
import { gateExit, gateText, type GateVerdict } from '../core/gate.ts';
import { judgeGoodputGate, type GoodputGate } from '../core/goodput-gate.ts';
import { threeFigures } from '../core/units.ts';
import type { SearchHooks } from '../search/goodput/context.ts';
import { searchGoodput } from '../search/goodput/goodput.ts';
import { searchGoodputs, type Goodputs, type NamedSearch } from '../search/goodput/goodputs.ts';
import type { GoodputReport } from '../schema/goodput.ts';
import { goodputsText, goodputText } from '../../reports/index.ts';
import type { Command, Given } from './command.ts';
import { LISTED } from './listed.ts';
import { GOODPUT_OPTIONS, readGoodput, type GoodputCommand } from './goodput-options.ts';
import { searchHooks } from './goodput-progress.ts';
import { openInBrowser } from './open-report.ts';
import { stopBySignal } from './signals.ts';
import { sloList } from './slo-list.ts';
import { hasColor, once, print, printGate, tell, terminalLog } from './terminal.ts';

export const goodputCommand: Command = {
  ...LISTED.goodput,
  examples: [
    'reprise goodput trace.csv --target http://127.0.0.1:8000 --slo ttft=500ms,tpot=50ms',
    'reprise goodput trace.csv --target reference:vllm-v1,model=llama-3.1-8b,gpu=h100-sxm --clock virtual --slo ttft=500ms,tpot=50ms --at 0.9,0.99',
  ],
  positionals: { workload: { type: 'string', describe: 'a trace file or a bundled sample: chat, code' } },
  options: GOODPUT_OPTIONS,
  run: goodput,
};

async function goodput(all: Given, given: Given): Promise<ExitCode> {
  if (all['slo'] === 'list') {
    print(sloList(all['json'] === true));
    return EXIT.ok;
  }
  const asked = readGoodput(all, given, new Date().toISOString());
  const { dir, searches, quiet } = asked;
  const interruption = stopBySignal(`with --out ${dir} the same command goes on from here`);
  const { info, warn } = terminalLog(quiet);
  // Every target replays the trace: what it gives reason to doubt is said once.
  const log = { info, warn: once(warn) };
  let endProgress = (): void => undefined;
  const hooksOf = (of: NamedSearch): SearchHooks => {
    endProgress();
    const number = searches.indexOf(of) + 1;
    if (!quiet && searches.length > 1)
      tell(`target ${number} of ${searches.length}: ${of.name} (${of.search.target.spec.text})`);
    const { hooks, end } = searchHooks(of.search, interruption, log, quiet);
    endProgress = end;
    return hooks;
  };
  try {
    const [only] = searches;
    if (only !== undefined && searches.length === 1) {
      const report = await searchGoodput(only.search, hooksOf(only));
      endProgress();
      return await leaveOne(asked, report);
    }
    const found = await searchGoodputs(dir, searches, hooksOf);
    endProgress();
    return await leaveSeveral(asked, found);
  } catch (thrown) {
    const exitCode = interruption.exitCode();
    if (exitCode !== null && thrown instanceof UserError) throw new UserError(thrown.message, { exitCode });
    throw thrown;
  } finally {
    endProgress();
    interruption.end();
  }
}

async function leaveOne({ dir, json, open, gates }: GoodputCommand, report: GoodputReport): Promise<ExitCode> {
  const page = resolve(join(dir, 'goodput.html'));
  print(
    json ? `${JSON.stringify(report, null, 2)}\n` : `${goodputText(report, { color: hasColor() })}\nreport: ${page}\n`,
  );
  const verdicts = gates.map((gate) => sayGate(gate, report, null, json));
  if (open) await openInBrowser(page);
  return gateExit(verdicts);
}

/** A target that failed counts before a gate that was missed: of it nothing is known. */
async function leaveSeveral(asked: GoodputCommand, { targets, failed }: Goodputs): Promise<ExitCode> {
  const { dir, json, open, gates } = asked;
  const page = resolve(join(dir, 'goodputs.html'));
  if (json) print(`${JSON.stringify({ schema: 1, targets }, null, 2)}\n`);
  else if (targets.length > 0) print(`${goodputsText(targets, { color: hasColor() })}\nreport: ${page}\n`);
  const verdicts = targets.flatMap(({ name, report }) => gates.map((gate) => sayGate(gate, report, name, json)));
  if (open && targets.length > 0) await openInBrowser(page);
  const [first] = failed;
  if (first === undefined) return gateExit(verdicts);
  const rest = targets.length === 0 ? '' : `the others stand in ${join(dir, 'goodputs.json')}; `;
  throw new UserError(
    `${failed.map(({ name, error }) => `${name}: ${error.message}`).join('\n')}\n${rest}with --out ${dir} the same command goes on with what is missing`,
    { exitCode: first.error.exitCode },
  );
}

function sayGate(
  gate: GoodputGate,
  { bracket_rps, ci95_rps, state }: GoodputReport,
  target: string | null,
  json: boolean,
): GateVerdict {
  const [low, high] = ci95_rps ?? bracket_rps;
  const isValid = state !== 'not_valid';
  const verdict = isValid ? judgeGoodputGate(gate, low, high) : 'undecided';
  const found =
    ci95_rps !== null
      ? `from ${threeFigures(ci95_rps[0])} to ${threeFigures(ci95_rps[1])} requests/s (95 %)`
      : `${low === null ? 'none' : threeFigures(low)} met, ${high === null ? 'none' : threeFigures(high)} missed, of the requests/s that were tried`;
  const why = isValid ? found : 'the client fell behind';
  printGate(gateText(gate, verdict, target === null ? why : `${target}: ${why}`), json);
  return verdict;
}
