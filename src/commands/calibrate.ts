import { availableParallelism, loadavg } from 'node:os';
import { resolve } from 'node:path';
import { z } from 'zod';
import { certificateText } from '../../reports/index.ts';
import { calibrate, FULL, QUICK } from '../calibrate/calibrate.ts';
import { checkStore, storeCertificate, writeCertificate } from '../calibrate/files.ts';
import { SILENT } from '../core/log.ts';
import { EXIT, UserError, type ExitCode } from '../core/errors.ts';
import { text } from '../core/option-fields.ts';
import { threeFigures } from '../core/units.ts';
import { countText } from '../core/words.ts';
import { newSalt } from '../run/salt.ts';
import { checkDirectory, checkTogether } from '../runs/run-directory.ts';
import { grouped, readOptions, type Command } from './command.ts';
import { OPEN_OPTION, openInBrowser } from './open-report.ts';
import { showSteps } from './progress.ts';
import { stopBySignal } from './signals.ts';
import { LISTED } from './listed.ts';
import { hasColor, print, printWarning, tell } from './terminal.ts';

const schema = z.looseObject({
  quick: z.boolean(),
  out: text.optional(),
  json: z.boolean(),
  quiet: z.boolean(),
  open: z.boolean(),
});

export const calibrateCommand: Command = {
  ...LISTED.calibrate,
  examples: ['reprise calibrate', 'reprise calibrate --quick', 'reprise calibrate --out certificate --open'],
  positionals: {},
  options: {
    quick: { type: 'boolean', default: false, describe: 'half a minute in place of some minutes, to a factor of two' },
    ...grouped('Output:', {
      out: { type: 'string', describe: 'folder for certificate.json and certificate.html, besides where runs find it' },
      json: { type: 'boolean', default: false, describe: 'print certificate.json rather than text' },
      quiet: { type: 'boolean', default: false, describe: 'no progress' },
      open: OPEN_OPTION,
    }),
  },
  run: (all) => calibrateAndStore(readOptions(schema, all)),
};

async function calibrateAndStore({ quick, out, json, quiet, open }: z.infer<typeof schema>): Promise<ExitCode> {
  if (out !== undefined) {
    checkDirectory(out);
    checkTogether(out, ['certificate.json', 'certificate.html'], 'calibrated_at');
  }
  try {
    checkStore();
  } catch (thrown) {
    // Else nothing of it would be left.
    if (!(thrown instanceof UserError) || (out === undefined && !json)) throw thrown;
    warnUnstored(thrown);
  }
  const effort = quick ? QUICK : FULL;
  if (!quiet)
    tell(
      `${quick ? 'half a minute' : 'two to five minutes'} of load on this machine and nothing else: leave it alone meanwhile`,
    );
  warnIfBusy();
  const interruption = stopBySignal('nothing is told or written');
  const progress = showSteps(quiet);
  const hooks = {
    nowIso: () => new Date().toISOString(),
    newSalt,
    // What a run says of its target is of no interest here.
    log: SILENT,
    started: () => undefined,
    stop: interruption.stop,
    cut: interruption.cut,
  };
  try {
    const certificate = await calibrate(effort, hooks, progress.step);
    progress.end();
    print(
      json ? `${JSON.stringify(certificate, null, 2)}\n` : `${certificateText(certificate, { color: hasColor() })}\n`,
    );
    const written = out === undefined ? null : await writeCertificate(out, certificate);
    const stored = await storeCertificate(certificate).catch((thrown: unknown) => {
      if (!(thrown instanceof UserError)) throw thrown;
      warnUnstored(thrown);
      return null;
    });
    const page = written?.page ?? stored?.page ?? null;
    if (!json && page !== null) print(`report: ${resolve(page)}\n`);
    if (open && page !== null) await openInBrowser(resolve(page));
    return EXIT.ok;
  } catch (thrown) {
    throw interruption.errorOf(thrown);
  } finally {
    progress.end();
    interruption.end();
  }
}

function warnUnstored(error: UserError): void {
  printWarning(`later runs will not find the certificate: ${error.message}`);
}

/** From this share of the cores on that others use, the certificate would be of them too. */
const BUSY_SHARE = 0.25;

function warnIfBusy(): void {
  const [load = 0] = loadavg();
  const cores = availableParallelism();
  if (load > BUSY_SHARE * cores)
    printWarning(
      `the load of this machine was ${threeFigures(load)} on ${countText(cores, 'core')} in the last minute: what else runs will be in the certificate; end it, or calibrate again later`,
    );
}
