const LOOPBACK = /^(?:(?:.+\.)?localhost\.?|127\.[\d.]+|0\.0\.0\.0|\[::1?\])$/;
const PORTS: Readonly<Record<string, string>> = { 'http:': '80', 'https:': '443' };

/** Whether a URL names this machine by one of its loopback names. */
export function isOfThisMachine(url: string): boolean {
  return LOOPBACK.test(new URL(url).hostname);
}

/** Host and port of a URL, by which two URLs are seen to be of one server: this machine has one name of many. */
export function serverAddress(url: string): string {
  const { protocol, hostname, port } = new URL(url);
  return `${isOfThisMachine(url) ? 'localhost' : hostname}:${port === '' ? (PORTS[protocol] ?? '') : port}`;
}

/**
 * The addresses of a target's servers, of a `--target` that was read as one: URLs joined by `+`, with roles in front and
 * bootstrap ports behind them where it has any.
 */
export function serverAddresses(target: string): string[] {
  return target
    .split(/[+,](?=(?:\w+=)?https?:)/i)
    .map((part) => serverAddress(part.replace(/^\w+=(?=https?:)/i, '').replace(/@\d+\/?$/, '')));
}

/** Whether two targets have a server in common. */
export function shareServer(one: string, other: string): boolean {
  const others = serverAddresses(other);
  return serverAddresses(one).some((address) => others.includes(address));
}
