import { didYouMean } from '../core/did-you-mean.ts';
import { UserError } from '../core/errors.ts';
import { withoutQueryValues } from '../core/secrets.ts';
import { nearTarget } from './near-target.ts';
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

const ROLES = ['prefill', 'decode'] as const;

/** A comma before a role, not one in a query. */
const NEXT_ROLE = /,\s*(?=\w+=https?:|(?:prefill|decode)=)/i;
const BY_ROLE = /^(?:\w+=https?:|(?:prefill|decode)=)/i;

/**
 * Reads a URL, several joined by `+`, or `prefill=URL+...,decode=URL+...`. Throws a UserError that names the expected
 * forms.
 */
export function readServers(text: string): ServerList {
  checkJoints(text);
  const isByRole = BY_ROLE.test(text);
  const named = isByRole ? text.split(NEXT_ROLE).map(ofRole) : [{ role: 'both' as const, urls: text }];
  if (isByRole) checkRoles(named.map(({ role }) => role));
  const [first, ...others] = named.flatMap(({ role, urls }) =>
    urls.split(/\+(?=https?:)/i).map((url) => endpointOf(url, role)),
  );
  if (first === undefined) throw new UserError(`--target: "${text}" names no server`);
  const endpoints: ServerList['endpoints'] = [first, ...others];
  checkDistinct(endpoints);
  checkOneRoute(endpoints);
  return { text: shownServers(text), name: nameOf(endpoints), endpoints };
}

/** Throws a UserError where servers are joined by something else, which URLs would take for a part of themselves. */
function checkJoints(text: string): void {
  if (/^[^?#]*(?:;\s*|[^,;\s]\s+)(?:prefill|decode)=/i.test(text) || /^(?:prefill|decode):/i.test(text))
    throw new UserError(`--target: roles are written with = and a comma; the form is ${FORM}`);
  if (/^[^?#]*,\s*https?:/i.test(text))
    throw new UserError(`--target: servers that are alike are joined by +, URL+URL; those with roles as in ${FORM}`);
}

function ofRole(part: string): { readonly role: Role; readonly urls: string } {
  const [, role = '', urls = ''] = /^(\w+)=(.*)$/s.exec(part) ?? [];
  if (role !== 'prefill' && role !== 'decode')
    throw new UserError(
      `--target: "${role}=" is no role of a server that is called by itself; the form is ${FORM}${didYouMean(role, ROLES)}`,
    );
  return { role, urls };
}

function checkRoles(roles: readonly Role[]): void {
  const twice = roles.find((role, i) => roles.indexOf(role) !== i);
  if (twice !== undefined) throw new UserError(`--target: ${twice}= is there twice; join its URLs by +, as in ${FORM}`);
  const missing = ROLES.find((role) => !roles.includes(role));
  if (missing !== undefined)
    throw new UserError(`--target: there is no ${missing}=; the form is ${FORM}, and a proxy in front is a URL alone`);
}

/** What stands before each URL of a target. */
const BEFORE_URL = /((?:^|,)\s*\w+=(?=https?:)|\+(?=https?:))/i;

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
  if (role !== 'both') checkIsUrl(text, role);
  const [suffix = '', digits] = (role === 'prefill' ? BOOTSTRAP_PORT.exec(text) : null) ?? [];
  const url = text.slice(0, text.length - suffix.length);
  checkNoPort(url);
  const bootstrapPort = digits === undefined ? null : Number(digits);
  if (bootstrapPort !== null && (bootstrapPort < 1 || bootstrapPort > 65_535))
    throw new UserError(`--target: @${digits} is no port of a bootstrap server; a port is a number from 1 to 65535`);
  return { role, bootstrapPort, ...readServerUrl(url) };
}

function checkIsUrl(text: string, role: Role): void {
  if (/^https?:\/\//i.test(text)) return;
  const near = nearTarget(text);
  const isNear = near !== null && URL.canParse(near) && /^https?:/i.test(near);
  const meant = isNear ? `; did you mean ${role}=${withoutQueryValues(near)}?` : '';
  throw new UserError(`--target: ${role}= has no URL but "${withoutQueryValues(text)}"; the form is ${FORM}${meant}`);
}

/** No host is a number: a URL takes what is in front of one for a password. */
function checkNoPort(text: string): void {
  const [, port] = /^https?:\/\/[^/?#@]*@(\d*)(?=[/?#]|$)/i.exec(text) ?? [];
  if (port !== undefined)
    throw new UserError(
      `--target: @${port} can only be a bootstrap port, which a prefill server has at the end of its URL; the form is ${FORM}`,
    );
}

function checkDistinct(endpoints: readonly ServerEndpoint[]): void {
  const urls = endpoints.map(({ url, query }) => url.replace(/\/+$/, '') + query);
  const twice = endpoints.find((_, i) => urls.indexOf(urls[i] ?? '') !== i);
  if (twice !== undefined)
    throw new UserError(`--target: ${twice.url} is there twice; a server that does all of the work is a URL alone`);
}

/** Requests of a run are all of one endpoint. */
function checkOneRoute(endpoints: readonly ServerEndpoint[]): void {
  const routes = [...new Set(endpoints.flatMap(({ endpoint }) => endpoint ?? []))];
  if (routes.length > 1)
    throw new UserError(
      `--target: its URLs are those of ${routes.join(' and ')}; name the bases of the servers, and --endpoint`,
    );
}

/** Of one server its host; of several the host of the last, which decodes where they have roles, and how many there are. */
function nameOf(endpoints: readonly ServerEndpoint[]): string {
  const host = new URL(endpoints.at(-1)?.url ?? '').host.replaceAll(/[^\w.-]/g, '_');
  if (endpoints.length === 1) return host;
  const prefill = endpoints.filter(({ role }) => role === 'prefill').length;
  return `${host}-${prefill === 0 ? `x${endpoints.length}` : `${prefill}p${endpoints.length - prefill}d`}`;
}
