const LOOPBACK = /^(?:(?:.+\.)?localhost\.?|127\.[\d.]+|0\.0\.0\.0|\[::1?\])$/;
const PORTS: Readonly<Record<string, string>> = { 'http:': '80', 'https:': '443' };

/** Host and port of a URL, by which two URLs are seen to be of one server: this machine has one name of many. */
export function serverAddress(url: string): string {
  const { protocol, hostname, port } = new URL(url);
  return `${LOOPBACK.test(hostname) ? 'localhost' : hostname}:${port === '' ? (PORTS[protocol] ?? '') : port}`;
}
