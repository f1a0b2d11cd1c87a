import { join } from 'node:path';
import { AXIS_UNITS } from '../certificate/beyond.ts';
import { certificateFolder, certificateName, storedCertificate } from '../certificate/stored.ts';
import { UserError } from '../core/errors.ts';
import { formatMs } from '../core/units.ts';
import { listText } from '../core/words.ts';
import { checkDirectory, makeDirectory, withWayOut, writeWhole } from '../runs/run-directory.ts';
import { LOAD_AXES, type Certificate, type LoadAxis } from '../schema/certificate.ts';
import { writeCertificateHtml } from '../../reports/index.ts';

/** Where a certificate was written. */
export interface CertificateFiles {
  readonly json: string;
  readonly page: string;
}

const OTHER_STATE = 'set XDG_STATE_HOME to a folder that can be written to';

/** Throws a UserError where a certificate could not be stored: before it is measured. */
export function checkStore(): void {
  try {
    checkDirectory(certificateFolder());
  } catch (thrown) {
    throw withWayOut(thrown, OTHER_STATE);
  }
}

/**
 * Writes a certificate and its page where the runs of this user on this machine find it. A UserError refuses one that has
 * no limit where the one before has, along more axes than it has higher ones: something else was running.
 */
export async function storeCertificate(certificate: Certificate): Promise<CertificateFiles> {
  const [folder, name] = [certificateFolder(), certificateName(certificate)];
  const before = storedCertificate(certificate.transport);
  const lost = before === null ? [] : lostSince(before, certificate);
  if (before !== null && lost.length > 0)
    throw new UserError(
      `no number of ${listText(lost.map((axis) => AXIS_UNITS[axis]))} was within ${formatMs(certificate.limit_ms)}, and by that of ${before.calibrated_at} some was, which runs go on to find: calibrate again when nothing else runs, or remove ${join(folder, name)}.json first`,
    );
  try {
    return await write(certificate, folder, name);
  } catch (thrown) {
    throw withWayOut(thrown, OTHER_STATE);
  }
}

/** Along which axes nothing can be timed any more; none where more can along as many others. */
function lostSince(before: Certificate, now: Certificate): LoadAxis[] {
  const gained = LOAD_AXES.filter((axis) => now[`max_${axis}`] > before[`max_${axis}`]);
  const lost = LOAD_AXES.filter((axis) => now[`max_${axis}`] === 0 && before[`max_${axis}`] > 0);
  return lost.length > gained.length ? lost : [];
}

/** Writes `certificate.json` and `certificate.html` to `dir`. */
export function writeCertificate(dir: string, certificate: Certificate): Promise<CertificateFiles> {
  return write(certificate, dir, 'certificate');
}

async function write(certificate: Certificate, dir: string, name: string): Promise<CertificateFiles> {
  const [json, page] = [join(dir, `${name}.json`), join(dir, `${name}.html`)];
  const html = await writeCertificateHtml(certificate);
  makeDirectory(dir);
  writeWhole(page, html);
  writeWhole(json, `${JSON.stringify(certificate, null, 2)}\n`);
  return { json, page };
}
