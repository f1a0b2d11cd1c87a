import { UserError } from '../core/errors.ts';
import { withoutQueryValues } from '../core/secrets.ts';
import { readServerUrl, type ServerUrl } from './server-url.ts';

/** The phases that a server's replicas compute. */
type Role = 'both' | 'prefill' | 'decode';

/** One server of a target. A call names it by position. */
export interface ServerEndpoint extends ServerUrl {
  readonly role: Role;
  /** Of SGLang's prefill servers, as given; null: asked of the server. */
  readonly bootstrapPort: number | null;
}

/** The servers of `--target`. */
export interface ServerList {
  /** The text as given, with the values of queries hidden. */
  readonly text: string;
  /** Short name, for directory names and records. */
  readonly name: string;
  readonly endpoints: readonly [ServerEndpoint, ...ServerEndpoint[]];
}

const FORM = "prefill=URL+URL,decode=URL, where SGLang's prefill servers may have their bootstrap port: URL@9000";

/**
 * Reads a URL, several joined by `+`, or `prefill=URL+...,decode=URL+...`. Throws a UserError that names the expected
 * forms.
 */
export function readServers(text: string): ServerList {
  const parts = text.split(/,(?=\w+=https?:)/i);
  const isByRole = /^\w+=https?:/i.test(text);
  const named = isByRole ? parts.map(ofRole) : [{ role: 'both' as const, urls: text }];
  if (isByRole) checkRoles(named.map(({ role }) => role));
  const [first, ...others] = named.flatMap(({ role, urls }) =>
    urls.split(/\+(?=https?:)/i).map((url) => endpointOf(url, role)),
  );
  if (first === undefined) throw new UserError(`--target: "${text}" names no server`);
  const endpoints: ServerList['endpoints'] = [first, ...others];
  checkDistinct(endpoints);
  return { text: shownServers(text), name: nameOf(endpoints), endpoints };
}

function ofRole(part: string): { readonly role: Role; readonly urls: string } {
  const [, role = '', urls = ''] = /^(\w+)=(.*)$/s.exec(part) ?? [];
  if (role !== 'prefill' && role !== 'decode')
    throw new UserError(`--target: "${role}=" is no role of a server that is called by itself; the form is ${FORM}`);
  return { role, urls };
}

function checkRoles(roles: readonly Role[]): void {
  const twice = roles.find((role, i) => roles.indexOf(role) !== i);
  if (twice !== undefined) throw new UserError(`--target: ${twice}= is there twice; join its URLs by +, as in ${FORM}`);
  const missing = (['prefill', 'decode'] as const).find((role) => !roles.includes(role));
  if (missing !== undefined)
    throw new UserError(`--target: there is no ${missing}=; the form is ${FORM}, and a proxy in front is a URL alone`);
}

/** What stands before each URL of a target. */
const BEFORE_URL = /((?:^|,)\w+=(?=https?:)|\+(?=https?:))/i;

/** A target as files and messages may show it: the values of queries are hidden, and what is no URL is as it is. */
export function shownServers(text: string): string {
  return text
    .split(BEFORE_URL)
    .map((part) => (/^https?:/i.test(part) ? withoutQueryValuesOf(part) : part))
    .join('');
}

const BOOTSTRAP_PORT = /@(\d+)\/?$/;

function withoutQueryValuesOf(text: string): string {
  const [port = ''] = BOOTSTRAP_PORT.exec(text) ?? [];
  return withoutQueryValues(text.slice(0, text.length - port.length)) + port;
}

function endpointOf(text: string, role: Role): ServerEndpoint {
  if (role !== 'prefill') return { role, bootstrapPort: null, ...readServerUrl(text) };
  const [suffix = '', digits] = BOOTSTRAP_PORT.exec(text) ?? [];
  const bootstrapPort = digits === undefined ? null : Number(digits);
  if (bootstrapPort !== null && (bootstrapPort < 1 || bootstrapPort > 65_535))
    throw new UserError(`--target: @${digits} is no port of a bootstrap server; a port is a number from 1 to 65535`);
  return { role, bootstrapPort, ...readServerUrl(text.slice(0, text.length - suffix.length)) };
}

function checkDistinct(endpoints: readonly ServerEndpoint[]): void {
  const urls = endpoints.map(({ url }) => url);
  const twice = endpoints.find(({ url }, i) => urls.indexOf(url) !== i);
  if (twice !== undefined)
    throw new UserError(`--target: ${twice.url} is there twice; a server that does all of the work is a URL alone`);
}

/** Of one server its host; of several the host of the last, which decodes where they have roles, and how many there are. */
function nameOf(endpoints: readonly ServerEndpoint[]): string {
  const host = new URL(endpoints.at(-1)?.url ?? '').host.replaceAll(/[^\w.-]/g, '_');
  if (endpoints.length === 1) return host;
  const prefill = endpoints.filter(({ role }) => role === 'prefill').length;
  return `${host}-${prefill === 0 ? `x${endpoints.length}` : `${prefill}p${endpoints.length - prefill}d`}`;
}
