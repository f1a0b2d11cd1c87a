import type { AsyncBuffer, ColumnMetaData, RowGroup } from 'hyparquet';
import { CompactReader } from '../../src/core/compact-reader.ts';

/** A group of rows is held whole while it is read: its bytes, unpacked, and its values, each of tens of bytes then. */
const MOST_GROUP_BYTES = 2 ** 30;
const MOST_GROUP_VALUES = 2 ** 26;

/** By the Parquet format: fields of a page header, and of those of its kinds. */
const PAGE = { unpackedBytes: 2, bytes: 3, data: 5, dictionary: 7, data2: 8 } as const;
const VALUES = 1;

/** What is to be held of a group. */
interface Size {
  bytes: number;
  values: number;
}

/**
 * Why a group of rows is too large to be held; null: it is not. By the headers of all its pages: a decoder makes room by
 * what they say, and the footer may say less. Throws an Error where they cannot be read, or say something else.
 */
export async function tooLargeGroup(file: AsyncBuffer, { columns, num_rows }: RowGroup): Promise<string | null> {
  const rows = Number(num_rows);
  if (rows < 0) throw new Error(`a group of ${rows} rows`);
  const size: Size = { bytes: 0, values: rows };
  for (const { meta_data: column } of columns) {
    if (size.values > MOST_GROUP_VALUES) return `${size.values} values, expected ${MOST_GROUP_VALUES} at most`;
    if (column === undefined) throw new Error('a column without its metadata');
    if (Number(column.num_values) < rows) throw new Error(`${rows} rows of ${column.num_values} values`);
    await addColumn(file, column, size);
    if (size.bytes > MOST_GROUP_BYTES)
      return `${Math.round(size.bytes / 2 ** 20)} MiB, expected ${MOST_GROUP_BYTES / 2 ** 20} at most`;
  }
  return size.values > MOST_GROUP_VALUES ? `${size.values} values, expected ${MOST_GROUP_VALUES} at most` : null;
}

async function addColumn(file: AsyncBuffer, column: ColumnMetaData, size: Size): Promise<void> {
  const start = Number(column.dictionary_page_offset || column.data_page_offset);
  const length = Number(column.total_compressed_size);
  if (!(start >= 0 && length >= 0 && start + length <= file.byteLength))
    throw new Error(`column "${column.path_in_schema.join('.')}" is not within the file`);
  if (length > MOST_GROUP_BYTES) {
    size.bytes += length;
    return;
  }
  const reader = new CompactReader(new Uint8Array(await file.slice(start, start + length)));
  let values = 0;
  // As the decoder does: a byte may be left over.
  while (reader.at < length - 1) {
    const { numbers, structs } = reader.struct();
    const [unpacked = -1, bytes = -1] = [numbers.get(PAGE.unpackedBytes), numbers.get(PAGE.bytes)];
    const ofPage = (structs.get(PAGE.data) ?? structs.get(PAGE.data2))?.numbers.get(VALUES) ?? 0;
    const ofDictionary = structs.get(PAGE.dictionary)?.numbers.get(VALUES) ?? 0;
    if (unpacked < 0 || bytes < 0 || ofPage < 0 || ofDictionary < 0) throw new Error('a page of less than nothing');
    values += ofPage;
    size.values += ofPage + ofDictionary;
    size.bytes += unpacked;
    reader.at += bytes;
  }
  if (values !== Number(column.num_values))
    throw new Error(`column "${column.path_in_schema.join('.')}" has ${values} values, and says ${column.num_values}`);
}
