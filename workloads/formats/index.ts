import { azure2023 } from './azure-2023.ts';
import { azure2024 } from './azure-2024.ts';
import { csvLog } from './csv-log.ts';
import type { Format } from './format.ts';
import { mooncake, mooncakeLengths } from './mooncake.ts';
import { native } from './native.ts';
import { plainCsv } from './plain-csv.ts';
import { weka } from './weka.ts';

/** Every format there is, in the order they are tried (2024 before 2023: the same header). A new one is a line here. */
export const FORMATS: readonly Format[] = [
  native,
  weka,
  mooncake,
  mooncakeLengths,
  azure2024,
  azure2023,
  plainCsv,
  csvLog,
];
