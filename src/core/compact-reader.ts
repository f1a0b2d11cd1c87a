/** The fields of a struct that the header of a Parquet page has: whole numbers, and structs. */
export interface CompactStruct {
  readonly numbers: ReadonlyMap<number, number>;
  readonly structs: ReadonlyMap<number, CompactStruct>;
}

/** Types of the protocol. A boolean has its value in its type. */
const STOP = 0;
const BOOLEANS: ReadonlySet<number> = new Set([1, 2]);
const WHOLE_NUMBERS: ReadonlySet<number> = new Set([4, 5, 6]);
const BINARY = 8;
const STRUCT = 12;

/** Bytes in Thrift's compact protocol, as the headers in a Parquet file are. Reads past the end throw a RangeError. */
export class CompactReader {
  readonly view: DataView;
  at: number;

  constructor(bytes: Uint8Array, at = 0) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.at = at;
  }

  byte(): number {
    return this.view.getUint8(this.at++);
  }

  varint(): number {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = this.byte();
      value += (byte & 127) * scale;
      if (value > Number.MAX_SAFE_INTEGER) throw new Error('beyond what a number holds');
      if (byte < 128) return value;
    }
  }

  zigzag(): number {
    const value = this.varint();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  struct(): CompactStruct {
    const numbers = new Map<number, number>();
    const structs = new Map<number, CompactStruct>();
    for (let field = 0; ;) {
      const byte = this.byte();
      const type = byte & 15;
      if (type === STOP) return { numbers, structs };
      field = byte >> 4 === 0 ? this.zigzag() : field + (byte >> 4);
      if (WHOLE_NUMBERS.has(type)) numbers.set(field, this.zigzag());
      else if (type === STRUCT) structs.set(field, this.struct());
      else if (type === BINARY) this.at += this.varint();
      else if (!BOOLEANS.has(type)) throw new Error(`a field of type ${type}`);
    }
  }
}
