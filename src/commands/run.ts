import { resolve } from 'node:path';
import { judgeRunGates } from '../run/judge-gates.ts';
import type { RunPlan } from '../run/plan-run.ts';
import { runOnce, type RunResult } from '../run/run.ts';
import type { RunSpec } from '../run/run-spec.ts';
import { newSalt } from '../run/salt.ts';
import { EXIT, UserError, type ExitCode } from '../core/errors.ts';
import { gateExit, gateText } from '../core/gate.ts';
import { reportFile } from '../runs/run-directory.ts';
import { summaryText } from '../../reports/text/summary.ts';
import type { Command, Given } from './command.ts';
import { checkTimesScaled } from './cut-options.ts';
import { LISTED } from './listed.ts';
import { openInBrowser } from './open-report.ts';
import { showProgress } from './progress.ts';
import { printOptions, RUN_OPTIONS, runSpecOf } from './run-options.ts';
import { onEndSignals, SIGNAL_EXIT } from './signals.ts';
import { sloList } from './slo-list.ts';
import { hasColor, print, printGate, tell, terminalLog } from './terminal.ts';

export const runCommand: Command = {
  ...LISTED.run,
  examples: [
    'reprise run trace.csv --target http://127.0.0.1:8000 --slo ttft=500ms,tpot=50ms',
    'reprise run trace.csv --window 600s..660s --target reference:vllm-v1,model=llama-3.1-8b,gpu=h100-sxm --clock virtual',
  ],
  positionals: {
    workload: {
      type: 'string',
      describe:
        'a trace in any format that the README names: a file, a folder, or - for standard input; or a bundled sample: chat, code',
    },
  },
  options: RUN_OPTIONS,
  run: (_all, given) => runAndReport(given, () => undefined),
};

/** A run by its options, to its printed summary; `begins` is told the plan before anything is sent. */
export async function runAndReport(given: Given, begins: (plan: RunPlan) => void): Promise<ExitCode> {
  const { json, quiet, open, isSloList, gates } = printOptions(given);
  if (isSloList) {
    print(sloList(json));
    return EXIT.ok;
  }
  checkTimesScaled(given);
  const spec = runSpecOf(given);
  const ofSlo = gates.find(({ kind }) => kind === 'attainment');
  if (ofSlo !== undefined && spec.slo === null)
    throw new UserError(`--gate ${ofSlo.text}: there is no SLO to attain; give its limits, e.g. --slo ttft=200ms`);
  const { result, signalled } = await runUntilSignal(spec, quiet, begins);
  printResult(result, json);
  if (open) await openInBrowser(resolve(reportFile(result.dir)));
  const judged = await judgeRunGates(result, gates);
  for (const { gate, verdict, why } of judged) printGate(gateText(gate, verdict, why), json);
  const ofGates = gateExit(judged.map(({ verdict }) => verdict));
  return signalled ?? (exitCode(result) === EXIT.ok ? ofGates : exitCode(result));
}

/** A run that SIGINT and SIGTERM end, with its progress; `signalled`: the exit code of the signal that did. */
export async function runUntilSignal(
  spec: RunSpec,
  quiet: boolean,
  begins: (plan: RunPlan) => void = () => undefined,
): Promise<{ readonly result: RunResult; readonly signalled: ExitCode | null }> {
  const stop = new AbortController();
  const cut = new AbortController();
  let signalled: ExitCode | null = null;
  let hasStarted = false;
  const stopListening = onEndSignals((name) => {
    // The last signal does not wait: finished records are on disk, and `report` mends the rest.
    if (cut.signal.aborted || (signalled !== null && !hasStarted)) process.exit(SIGNAL_EXIT[name]);
    if (signalled !== null) cut.abort();
    tell(`\n${signalText(signalled !== null, hasStarted)}`);
    signalled = SIGNAL_EXIT[name];
    stop.abort(new Error(`interrupted by ${name}`));
  });
  let endProgress = (): void => undefined;
  try {
    const result = await runOnce(spec, {
      nowIso: () => new Date().toISOString(),
      newSalt,
      log: terminalLog(quiet),
      started: (plan, snapshot) => {
        hasStarted = true;
        begins(plan);
        if (!quiet && spec.target.clock === 'real') endProgress = showProgress(plan, snapshot);
      },
      stop: stop.signal,
      cut: cut.signal,
    });
    return { result, signalled };
  } catch (thrown) {
    // Interrupted before any request was sent.
    if (signalled !== null && thrown instanceof UserError) throw new UserError(thrown.message, { exitCode: signalled });
    throw thrown;
  } finally {
    endProgress();
    stopListening();
  }
}

function signalText(isSecond: boolean, hasStarted: boolean): string {
  if (!hasStarted) return 'stopping before the replay (again: leave at once)';
  return isSecond
    ? 'cut: what there is is summarised (again: leave at once; "reprise report" summarises it later)'
    : 'stopping: nothing more is sent; what is in flight may end within 5 s (again: cut it now)';
}

function printResult({ dir, summary, manifest }: RunResult, json: boolean): void {
  if (json) {
    print(`${JSON.stringify(summary, null, 2)}\n`);
    return;
  }
  print(`${summaryText(summary, manifest, { color: hasColor() })}\nreport: ${resolve(reportFile(dir))}\n`);
}

/** 3 when the target went away or gave no valid response: then there is no result. */
export function exitCode({ summary }: RunResult): ExitCode {
  const answered = summary.requests.ok + (summary.left_out?.ok ?? 0);
  if (answered === 0 && summary.requests.sent + (summary.requests.by_outcome.connect_error ?? 0) > 0)
    return EXIT.unreachable;
  return summary.status === 'failed' ? EXIT.unreachable : EXIT.ok;
}
