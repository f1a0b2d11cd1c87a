/** Files that are no text: how their bytes begin, what they are, and how a trace is made of them. */
const KINDS: readonly (readonly [offset: number, bytes: string, is: string, wayOut: string])[] = [
  [0, 'ARROW1', 'an Arrow file', 'write it as CSV'],
  [0, '\x28\xb5\x2f\xfd', 'compressed by zstd', 'unpack it: zstd -d'],
  [0, 'PK\x03\x04', 'a ZIP archive (or a spreadsheet, which is one)', 'unpack it, or save the sheet as CSV'],
  [0, '\xfd7zXZ\x00', 'compressed by xz', 'unpack it: xz -d'],
  [0, 'BZh', 'compressed by bzip2', 'unpack it: bzip2 -d'],
  [0, '\x04\x22\x4d\x18', 'compressed by lz4', 'unpack it: lz4 -d'],
  [0, '7z\xbc\xaf\x27\x1c', 'a 7-Zip archive', 'unpack it: 7z x'],
  [0, '\x1f\x8b', 'gzip within gzip', 'unpack it once: gunzip'],
  [0, 'SQLite format 3\x00', 'an SQLite database', 'write its table as CSV: sqlite3 -header -csv'],
  [0, '\x89HDF\r\n', 'an HDF5 file', 'write it as CSV'],
  [0, '\x93NUMPY', 'a NumPy array', 'write it as CSV'],
  [0, '%PDF-', 'a PDF file', 'download the trace itself'],
  [257, 'ustar', 'a tar archive', 'unpack it: tar -xf'],
  [0, '\xff\xfe', 'UTF-16 text', 'write it as UTF-8: iconv -f UTF-16 -t UTF-8'],
  [0, '\xfe\xff', 'UTF-16 text', 'write it as UTF-8: iconv -f UTF-16 -t UTF-8'],
];

/** What the first bytes of a file are, if they are no UTF-8 text, and the way out; null where they may be text. */
export function binaryKind(head: Buffer): string | null {
  const text = head.toString('latin1', 0, 300);
  const kind = KINDS.find(([offset, bytes]) => text.startsWith(bytes, offset));
  if (kind !== undefined) return `is ${kind[2]}, expected a trace as text; ${kind[3]}`;
  if (!head.includes(0)) return null;
  if (/^(?:[^\0]\0){2}/.test(text)) return 'is UTF-16 text, expected UTF-8; iconv -f UTF-16LE -t UTF-8';
  if (/^(?:\0[^\0]){2}/.test(text)) return 'is UTF-16 text, expected UTF-8; iconv -f UTF-16BE -t UTF-8';
  return 'is binary, expected a trace as text';
}
