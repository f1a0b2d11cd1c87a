import { nearest } from '../../src/core/did-you-mean.ts';
import { UserError } from '../../src/core/errors.ts';
import { unknownForm } from '../foreign-forms.ts';
import { namesText, type Format } from '../formats/format.ts';
import { FORMATS } from '../formats/index.ts';
import { guessMap, lackText } from './guess.ts';
import { mapText, parseMap, ROLES, type TraceMap } from './map.ts';
import { tableFormat } from './table-format.ts';
import { sampleOf, type TableSample } from './table-sample.ts';

/**
 * The format of a table by the map that the user gave, completed by the usual names of columns; `given`: null where all of
 * it is to be guessed, `isChosen`: the user says that the file is a table. Throws a UserError that says what is missing, with
 * a `--map` to complete.
 */
export function guessedFormat(path: string, lines: readonly string[], given: string | null, isChosen: boolean): Format {
  const sample = sampleOf(lines);
  const map = given === null ? {} : parseMap(given);
  const { names } = sample;
  checkNames(path, sample, map);
  const guess = guessMap(sample, map);
  if (guess.lacks.length === 0) {
    const guessed = sample.isJson ? 'json-log' : 'csv-log';
    return tableFormat(given === null ? guessed : 'mapped', mapText(guess.map), guess.namedUnit);
  }
  if (isChosen)
    throw new UserError(`${path}: header_mismatch: its columns are ${namesText(names)}; ${lackText(guess)}`);
  throw new UserError(
    `${path}: header_mismatch: no known trace format: ${unknownForm(lines)}\nexpected a first line like\n${FORMATS.map(({ name, begins }) => `  ${begins}   (${name})`).join('\n')}`,
  );
}

/** A column that is not there would make every row a bad one. */
function checkNames(path: string, { names, rows, isJson }: TableSample, map: TraceMap): void {
  for (const role of ROLES) {
    const name = map[role]?.name;
    if (name === undefined) continue;
    const isThere = isJson
      ? names.includes(name) || rows.some((row) => row.value(name) !== undefined)
      : names.some((each) => each.toLowerCase() === name.toLowerCase());
    if (isThere) continue;
    const near = nearest(name, names);
    throw new UserError(
      `--map: ${path} has no column ${namesText([name])}${near === undefined ? '' : `; did you mean ${namesText([near])}?`} (${namesText(names)})`,
    );
  }
}
