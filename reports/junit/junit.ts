/** A JUnit XML document, as continuous integration reads it. Texts may hold anything. */
export interface JunitDocument {
  readonly name: string;
  readonly suites: readonly JunitSuite[];
}

export interface JunitSuite {
  readonly name: string;
  readonly timeS: number;
  readonly cases: readonly JunitCase[];
}

export interface JunitCase {
  readonly classname: string;
  readonly name: string;
  readonly timeS: number;
  readonly outcome: JunitOutcome;
  readonly properties: readonly (readonly [name: string, value: string])[];
}

export interface JunitOutcome {
  /** `failed`: what was tested is not as it should be; `error`: it could not be tested; `skipped`: it is left open. */
  readonly kind: 'passed' | 'failed' | 'error' | 'skipped';
  readonly message?: string;
  readonly type?: string;
  readonly text?: string;
}

/** XML of the document, ending in a newline. Characters that XML cannot hold become U+FFFD. */
export function junitXml({ name, suites }: JunitDocument): string {
  const cases = suites.flatMap((suite) => suite.cases);
  const lines = suites.flatMap((suite) => [
    `  <testsuite${attributes({ name: suite.name, ...counts(suite.cases), time: seconds(suite.timeS) })}>`,
    ...suite.cases.flatMap(caseLines),
    '  </testsuite>',
  ]);
  const time = seconds(suites.reduce((total, { timeS }) => total + timeS, 0));
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites${attributes({ name, ...counts(cases), time })}>`,
    ...lines,
    '</testsuites>',
    '',
  ].join('\n');
}

function counts(cases: readonly JunitCase[]): Record<'tests' | 'failures' | 'errors' | 'skipped', string> {
  const of = (kind: JunitOutcome['kind']): string =>
    String(cases.filter(({ outcome }) => outcome.kind === kind).length);
  return { tests: String(cases.length), failures: of('failed'), errors: of('error'), skipped: of('skipped') };
}

const ELEMENTS = { failed: 'failure', error: 'error', skipped: 'skipped' } as const;

function caseLines({ classname, name, timeS, outcome, properties }: JunitCase): string[] {
  return [
    `    <testcase${attributes({ classname, name, time: seconds(timeS) })}>`,
    ...(properties.length === 0
      ? []
      : [
          '      <properties>',
          ...properties.map(([key, value]) => `        <property${attributes({ name: key, value })}/>`),
          '      </properties>',
        ]),
    ...(outcome.kind === 'passed' ? [] : [outcomeLine(ELEMENTS[outcome.kind], outcome)]),
    '    </testcase>',
  ];
}

function outcomeLine(element: string, { message, type, text }: JunitOutcome): string {
  const head = `${element}${attributes({ message, type })}`;
  return text === undefined || text === '' ? `      <${head}/>` : `      <${head}>${escaped(text)}</${element}>`;
}

function attributes(of: Readonly<Record<string, string | undefined>>): string {
  return Object.entries(of)
    .map(([name, value]) => (value === undefined ? '' : ` ${name}="${escapedAttribute(value)}"`))
    .join('');
}

function seconds(timeS: number): string {
  return Number.isFinite(timeS) ? timeS.toFixed(3) : '0.000';
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

/** Every `>` is escaped, so that no `]]>` is left; a carriage return would be read as a line end. */
function escaped(text: string): string {
  return text.replaceAll(UNFIT, '\u{FFFD}').replaceAll(/[&<>\r]/g, reference);
}

/** In an attribute, tabs and line ends would be read as blanks. */
function escapedAttribute(text: string): string {
  return text.replaceAll(UNFIT, '\u{FFFD}').replaceAll(/[&<>"\t\n\r]/g, reference);
}

function reference(character: string): string {
  return ENTITIES[character] ?? `&#${character.codePointAt(0)};`;
}

/** What XML 1.0 does not allow: control characters, surrogates that stand alone, U+FFFE and U+FFFF. */
const UNFIT = /[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu;
