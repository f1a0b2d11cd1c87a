import { join } from 'node:path';
import { certificateFolder, certificateName } from '../certificate/stored.ts';
import { checkDirectory, makeDirectory, withWayOut, writeWhole } from '../runs/run-directory.ts';
import type { Certificate } from '../schema/certificate.ts';
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

/** Writes a certificate and its page where the runs of this user on this machine find it. */
export async function storeCertificate(certificate: Certificate): Promise<CertificateFiles> {
  try {
    return await write(certificate, certificateFolder(), certificateName(certificate));
  } catch (thrown) {
    throw withWayOut(thrown, OTHER_STATE);
  }
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
