import { azure2023 } from './azure-2023.ts';
import { azure2024 } from './azure-2024.ts';
import type { Format } from './format.ts';
import { mooncake } from './mooncake.ts';
import { native } from './native.ts';
import { plainCsv } from './plain-csv.ts';

/** Every format there is, tried in this order (2024 before 2023: the header is the same): adding one is a file and a line here. */
export const FORMATS: readonly Format[] = [native, mooncake, azure2024, azure2023, plainCsv];
