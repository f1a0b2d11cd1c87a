import { UserError } from '../core/errors.ts';
import { didYouMean } from '../core/did-you-mean.ts';
import { type Limits, parseSlo, type SloSpec } from '../core/slo.ts';
import { SLO_PROFILES } from './profiles.ts';

export { SLO_PROFILES } from './profiles.ts';

/** The SLO of an `--slo` text: limits, or the name of a profile. Throws a UserError that names the error. */
export function resolveSlo(text: string): SloSpec {
  const profile = SLO_PROFILES.find(({ name }) => name === text.trim().toLowerCase());
  if (profile !== undefined) {
    const { name, limits, source } = profile;
    return { text: name, limits, profile: { name, source } };
  }
  if (/[=;:]/.test(text)) return { text, limits: parseSlo(text, named) };
  const names = SLO_PROFILES.map(({ name }) => name);
  throw new UserError(
    `--slo: "${text}" is neither limits, e.g. "ttft=200ms,tpot=50ms", nor a profile${didYouMean(text, names)} ("--slo list" shows them)`,
  );
}

/** The limits of a profile, for one class. */
function named(name: string): Limits | null {
  return SLO_PROFILES.find((profile) => profile.name === name.toLowerCase())?.limits ?? null;
}
