import type { ColumnMetaData } from 'hyparquet';
import { CompactReader } from '../core/compact-reader.ts';
import { release } from '../core/release.ts';

/** Token times of the records of a part, one after another, and where those of each record end. */
export interface TokenColumn {
  readonly times: Float64Array;
  readonly ends: Uint32Array;
}

/** By the Parquet format: page types, encodings, and the fields of a page header and of that of a data page v2. */
const DATA_PAGE_V2 = 3;
const DELTA_BINARY_PACKED = 5;
const PAGE = { type: 1, bytes: 3, v2: 8 } as const;
const V2 = { values: 1, nulls: 2, rows: 3, encoding: 4, definitionBytes: 5, repetitionBytes: 6 } as const;
/** A part has some 100,000 times. */
const MOST_VALUES = 1 << 24;

/**
 * The list column of a part as `encodeRecords` writes it: levels of one bit, times delta-packed, not compressed. Null where
 * it is written in another way, or damaged, or a time needs more than 49 bits: the general reader decides, which makes a
 * bigint of each time and a list of each record, ten times the work and most of the garbage of a report.
 */
export function readTokenColumn(
  bytes: Uint8Array,
  { data_page_offset, total_compressed_size, codec }: ColumnMetaData,
): TokenColumn | null {
  if (codec !== 'UNCOMPRESSED') return null;
  try {
    const reader = new Reader(bytes, Number(data_page_offset));
    const end = reader.at + Number(total_compressed_size);
    const pages: Page[] = [];
    while (reader.at < end) pages.push(readPage(reader));
    return joined(pages);
  } catch {
    return null;
  }
}

/** Values, and how many each row of the page has. */
interface Page {
  readonly times: Float64Array<ArrayBuffer>;
  readonly counts: Uint32Array<ArrayBuffer>;
}

function joined(pages: readonly Page[]): TokenColumn {
  const sum = (lengths: readonly number[]): number => lengths.reduce((total, length) => total + length, 0);
  const [only, ...others] = pages;
  const isOne = only !== undefined && others.length === 0;
  const times = isOne ? only.times : new Float64Array(sum(pages.map((page) => page.times.length)));
  const ends = new Uint32Array(sum(pages.map((page) => page.counts.length)));
  let [time, row] = [0, 0];
  for (const page of pages) {
    if (!isOne) times.set(page.times, time);
    for (const count of page.counts) ends[row++] = time += count;
    release(page.counts);
    if (!isOne) release(page.times);
  }
  return { times, ends };
}

function readPage(reader: Reader): Page {
  const header = reader.struct();
  const v2 = header.structs.get(PAGE.v2);
  const count = v2?.numbers.get(V2.values) ?? Infinity;
  const isOurs =
    header.numbers.get(PAGE.type) === DATA_PAGE_V2 &&
    v2?.numbers.get(V2.encoding) === DELTA_BINARY_PACKED &&
    count <= MOST_VALUES;
  if (!isOurs) throw new Error('another kind of page');
  const start = reader.at;
  const levelsAt = start + (v2.numbers.get(V2.repetitionBytes) ?? 0);
  const valuesAt = levelsAt + (v2.numbers.get(V2.definitionBytes) ?? 0);
  const repetition = readLevels(reader, count, levelsAt);
  const definition = readLevels(reader, count, valuesAt);
  const counts = countsOf(repetition, definition);
  release(repetition, definition);
  const times = readDeltas(reader);
  const sum = counts.reduce((total, each) => total + each, 0);
  const isWhole = sum === times.length && sum === count - (v2.numbers.get(V2.nulls) ?? 0);
  if (!isWhole || counts.length !== v2.numbers.get(V2.rows)) throw new Error('values are missing');
  reader.at = start + (header.numbers.get(PAGE.bytes) ?? 0);
  return { times, counts };
}

/** A level of repetition is 0 where a row begins; one of definition is 0 where a list is empty. */
function countsOf(repetition: Uint8Array, definition: Uint8Array): Uint32Array<ArrayBuffer> {
  const counts = new Uint32Array(repetition.length);
  let rows = 0;
  for (let i = 0; i < repetition.length; i++) {
    if (repetition[i] === 0) rows++;
    if (rows === 0) throw new Error('a page begins within a row');
    if (definition[i] === 1) counts[rows - 1] = (counts[rows - 1] ?? 0) + 1;
  }
  return counts.subarray(0, rows);
}

/** Levels of one bit up to the byte `end`, in runs and in groups of eight. */
function readLevels(reader: Reader, count: number, end: number): Uint8Array<ArrayBuffer> {
  const levels = new Uint8Array(count);
  let filled = 0;
  while (filled < count) {
    const header = reader.varint();
    const length = Math.floor(header / 2);
    if (header % 2 === 0) {
      levels.fill(reader.byte(), filled, filled + length);
      filled += length;
    } else
      for (let group = 0; group < length; group++) {
        const bits = reader.byte();
        for (let bit = 0; bit < 8; bit++) levels[filled++] = (bits >> bit) & 1;
      }
  }
  if (reader.at !== end) throw new Error('levels of another length');
  return levels;
}

function readDeltas(reader: Reader): Float64Array<ArrayBuffer> {
  const blockLength = reader.varint();
  const miniblocks = reader.varint();
  const count = reader.varint();
  if (count > MOST_VALUES || miniblocks > blockLength) throw new Error('not as we write it');
  const length = blockLength / miniblocks;
  const values = new Float64Array(count);
  let value = reader.zigzag();
  if (count > 0) values[0] = value;
  for (let i = 1; i < count;) {
    const least = reader.zigzag();
    const widthsAt = reader.at;
    reader.at += miniblocks;
    for (let block = 0; block < miniblocks && i < count; block++) {
      const width = reader.view.getUint8(widthsAt + block);
      const from = reader.at * 8;
      for (let j = 0; j < length && i < count; j++) {
        value += least + reader.bits(from + j * width, width);
        if (!Number.isSafeInteger(value)) throw new Error('beyond what a number holds');
        values[i++] = value;
      }
      reader.at += (length * width) / 8;
    }
  }
  return values;
}

class Reader extends CompactReader {
  /** `width` bits from the bit `from` of the file on, the lowest first. */
  bits(from: number, width: number): number {
    if (width <= 25) return width === 0 ? 0 : this.#atMost25(from, width);
    if (width > 49) throw new Error('too wide');
    return this.#atMost25(from, 24) + this.#atMost25(from + 24, width - 24) * 2 ** 24;
  }

  /** The end of the file, which is longer than a word, follows all values. */
  #atMost25(from: number, width: number): number {
    return (this.view.getUint32(Math.floor(from / 8), true) >>> (from % 8)) & (2 ** width - 1);
  }
}
