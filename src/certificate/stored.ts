import { createHash } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { availableParallelism, cpus, homedir, hostname, release } from 'node:os';
import { join } from 'node:path';
import { messageOf, UserError } from '../core/errors.ts';
import { MOST_JSON_BYTES, readTextWithin } from '../core/read-within.ts';
import { version } from '../core/version.ts';
import { listText } from '../core/words.ts';
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

/**
 * The folder of this user's certificates: below `$XDG_STATE_HOME`, or `~/.local/state`. Throws a UserError where the user
 * has neither.
 */
export function certificateFolder(): string {
  const state = process.env['XDG_STATE_HOME'];
  // The specification of XDG ignores a path that is not absolute.
  return join(state?.startsWith('/') === true ? state : stateOfHome(), 'reprise', 'certificates');
}

function stateOfHome(): string {
  try {
    return join(homedir(), '.local', 'state');
  } catch (error) {
    throw new UserError(
      `this user has no home directory (${messageOf(error)}): set XDG_STATE_HOME to an absolute folder, or HOME`,
      { cause: error },
    );
  }
}

/** Name of the files of a certificate, without their ending. */
export function certificateName({ machine, versions, transport }: CertificateKey): string {
  const { host, os, kernel, cpu, cores } = machine;
  const facts = [host, os, kernel, cpu, cores, versions.reprise, versions.node, transport];
  return `${transport}-${createHash('sha256').update(JSON.stringify(facts)).digest('hex').slice(0, 16)}`;
}

/** The certificate of this machine for a transport; null: it was not calibrated, or its file is no use. */
export function storedCertificate(transport: Certificate['transport']): Certificate | null {
  return look(transport).certificate;
}

/** Why a certificate that is there is not gone by, and what to do; null: there is none, or it is gone by. */
export function certificateProblem(transport: Certificate['transport']): string | null {
  return look(transport).problem;
}

interface Found {
  readonly certificate: Certificate | null;
  readonly problem: string | null;
}

const NOTHING: Found = { certificate: null, problem: null };
/** Codes of a file that is not there. */
const ABSENT: ReadonlySet<unknown> = new Set(['ENOENT', 'ENOTDIR']);

function look(transport: Certificate['transport']): Found {
  const key = certificateKey(transport);
  const name = `${certificateName(key)}.json`;
  let folder: string;
  try {
    folder = certificateFolder();
  } catch {
    return NOTHING; // none can have been stored
  }
  try {
    const certificate = read(join(folder, name));
    if (certificate === null) return outdated(folder, key);
    if (`${certificateName(certificate)}.json` === name) return { certificate, problem: null };
    return unusable(join(folder, name), `it is of ${differences(certificate, key)}`);
  } catch (error) {
    return unusable(join(folder, name), messageOf(error));
  }
}

function unusable(file: string, why: string): Found {
  return {
    certificate: null,
    problem: `${file}: this certificate is not gone by: ${why}; reprise calibrate makes another`,
  };
}

/** Null where there is no such file; throws where it is no certificate. */
function read(file: string): Certificate | null {
  let text: string;
  try {
    text = readTextWithin(file, MOST_JSON_BYTES);
  } catch (error) {
    if (error instanceof Error && 'code' in error && ABSENT.has(error.code)) return null;
    throw error;
  }
  const parsed = certificateSchema.safeParse(JSON.parse(text));
  if (!parsed.success) throw new Error('it is damaged, or not of this version of Reprise');
  return parsed.data;
}

/** The latest certificate that this host had before its system, its Node or Reprise was another. */
function outdated(folder: string, key: CertificateKey): Found {
  let names: string[];
  try {
    names = readdirSync(folder).filter((name) => name.startsWith(`${key.transport}-`) && name.endsWith('.json'));
  } catch {
    return NOTHING;
  }
  const ofHost = names
    .flatMap((name) => {
      const file = join(folder, name);
      try {
        const certificate = read(file);
        return certificate?.machine.host === key.machine.host ? [{ file, certificate }] : [];
      } catch {
        return []; // of no use whatever it says
      }
    })
    .toSorted((a, b) => a.certificate.calibrated_at.localeCompare(b.certificate.calibrated_at))
    .at(-1);
  if (ofHost === undefined) return NOTHING;
  return unusable(ofHost.file, `it is of ${differences(ofHost.certificate, key)}`);
}

/** What a certificate has other than it is here, in words. */
function differences(certificate: CertificateKey, here: CertificateKey): string {
  const facts = ({ machine, versions }: CertificateKey): readonly [string, string | number][] => [
    ['host', machine.host],
    ['system', machine.os],
    ['kernel', machine.kernel],
    ['CPU', machine.cpu],
    ['cores', machine.cores],
    ['Reprise', versions.reprise],
    ['Node', versions.node],
  ];
  const now = facts(here);
  return listText(
    facts(certificate).flatMap(([what, then], i) => {
      const is = now[i]?.[1];
      return is === then ? [] : [`${what} ${then} (here ${is})`];
    }),
  );
}
