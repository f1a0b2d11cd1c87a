import { createHash } from 'node:crypto';
import { availableParallelism, cpus, homedir, hostname, release } from 'node:os';
import { join } from 'node:path';
import { MOST_JSON_BYTES, readTextWithin } from '../core/read-within.ts';
import { version } from '../core/version.ts';
import { certificateSchema, type Certificate } from '../schema/certificate.ts';

/** What a certificate holds for: where any of it differs, there is none. */
export type CertificateKey = Pick<Certificate, 'machine' | 'versions' | 'transport'>;

export function certificateKey(transport: Certificate['transport']): CertificateKey {
  return {
    machine: {
      host: hostname(),
      os: `${process.platform} ${process.arch}`,
      kernel: release(),
      cpu: cpus()[0]?.model ?? 'unknown',
      cores: availableParallelism(),
    },
    versions: { reprise: version(), node: process.versions.node },
    transport,
  };
}

/** The folder of this user's certificates: below `$XDG_STATE_HOME`, or `~/.local/state`. */
export function certificateFolder(): string {
  const state = process.env['XDG_STATE_HOME'];
  // The specification of XDG ignores a path that is not absolute.
  return join(state?.startsWith('/') === true ? state : join(homedir(), '.local', 'state'), 'reprise', 'certificates');
}

/** Name of the files of a certificate, without their ending. */
export function certificateName({ machine, versions, transport }: CertificateKey): string {
  const { host, os, kernel, cpu, cores } = machine;
  const facts = [host, os, kernel, cpu, cores, versions.reprise, versions.node, transport];
  return `${transport}-${createHash('sha256').update(JSON.stringify(facts)).digest('hex').slice(0, 16)}`;
}

/** The certificate of this machine for a transport; null: it was not calibrated, or its file cannot be read. */
export function storedCertificate(transport: Certificate['transport']): Certificate | null {
  const name = certificateName(certificateKey(transport));
  let json: unknown;
  try {
    json = JSON.parse(readTextWithin(join(certificateFolder(), `${name}.json`), MOST_JSON_BYTES));
  } catch {
    return null;
  }
  const parsed = certificateSchema.safeParse(json);
  return parsed.success && certificateName(parsed.data) === name ? parsed.data : null;
}
