// How often the trend of nights raises a change that is none, how soon it finds one, how well it is dated, and how often
// one night is called better or worse (`src/trend`): normal nights with a spread of 1 %, and draws from a pool of simulated
// runs (`runPool`, noise=0.03,run_noise=0.01). A minute for each 100 runs of the pool.
// Usage: node scripts/calibration/trend.ts [--pool 200] [--histories 1000]
import { parseArgs } from 'node:util';
import { JUDGED_NAMES, type JudgedName } from '../../src/schema/comparison.ts';
import { runPool } from './comparison-rates.ts';
import { drawFrom, falseAlarms, findings, normalNights, verdicts, type DrawNight } from './trend-rates.ts';

const { values } = parseArgs({
  options: { pool: { type: 'string', default: '200' }, histories: { type: 'string', default: '1000' } },
});
const histories = Number(values.histories);
const percent = (share: number): string => (share * 100).toFixed(1);
const line = (...cells: readonly (string | number)[]): void => console.log(`| ${cells.join(' | ')} |`);
const head = (...cells: readonly string[]): void => {
  line(...cells);
  line(...cells.map(() => '---'));
};
const shifted =
  (draw: DrawNight, by: number): DrawNight =>
  (random) =>
    draw(random) + by;

head('nights', 'false alarms per 100', 'plain 3-sd rule');
for (const outliers of [0, 0.04]) {
  const { cusum, plain } = falseAlarms(normalNights(outliers), { histories });
  line(`normal, ${percent(outliers)} % outliers`, cusum.toFixed(2), plain.toFixed(2));
}

console.log('');
head('change', 'outliers %', 'in 4 nights %', 'in 10 %', 'median night', 'dated exactly %', 'within 1 %');
for (const outliers of [0, 0.04])
  for (const shift of [0.02, 0.03, 0.05, -0.05]) {
    const draw = normalNights(outliers);
    const found = findings(draw, shifted(draw, Math.log1p(shift)), { histories });
    line(
      `${percent(shift)} % at 1 %`,
      percent(outliers),
      percent(found.within4),
      percent(found.within10),
      found.nights,
      percent(found.dated),
      percent(found.datedWithin1),
    );
  }

const pool = await runPool(Number(values.pool));
const nightsOf = (runs: (typeof pool)['same'], name: JudgedName): DrawNight =>
  drawFrom(runs.flatMap((run) => run[name] ?? []));
console.log('');
head(
  'runs of the pool',
  'false alarms per 100',
  'plain 3-sd rule',
  '5 % slower in 4 nights %',
  'one night of 20, the same %',
  '5 % slower %',
  'one accepted alone, the same %',
  '5 % slower %',
);
for (const name of JUDGED_NAMES) {
  const [same, slower] = [nightsOf(pool.same, name), nightsOf(pool.slower, name)];
  const { cusum, plain } = falseAlarms(same, { histories });
  const cells = [false, true].flatMap((isAlone) =>
    [same, slower].map((tonight) => percent(verdicts(same, tonight, { earlier: 20, isAlone }))),
  );
  line(name, cusum.toFixed(2), plain.toFixed(2), percent(findings(same, slower, { histories }).within4), ...cells);
}
