import { OUTCOMES } from '../../src/core/record.ts';
import { failedByOutcome, judgedRequests } from '../../src/metrics/stopped.ts';
import type { Summary } from '../../src/schema/summary.ts';
import { formatShare, withThousands } from '../../src/core/units.ts';
import { countText } from '../../src/core/words.ts';
import { outcomeText } from '../format.ts';
import { html, section, type Section } from './markup.ts';

/** Outcomes of requests and the most common errors; null if none failed. */
export function outcomes({ requests }: Summary): Section | null {
  if (requests.failed === 0) return null;
  const failed = failedByOutcome(requests);
  const ended = OUTCOMES.flatMap((outcome) => {
    const count = outcome === 'ok' ? requests.ok : (failed[outcome] ?? 0);
    return count === 0 ? [] : [{ outcome, count }];
  });
  return section(
    { id: 'outcomes', heading: `${countText(requests.failed, 'request')} failed`, name: 'Failures' },
    html`<div class="tables">
      <div class="wide" tabindex="0" role="region" aria-label="Outcomes">
        <table>
          <caption>
            How requests ended
          </caption>
          <thead>
            <tr>
              <th scope="col">outcome</th>
              <th scope="col">requests</th>
              <th scope="col">share</th>
            </tr>
          </thead>
          <tbody>
            ${ended.map(
              ({ outcome, count }) =>
                html`<tr>
                  <td>${outcomeText(outcome)}</td>
                  <td>${withThousands(count)}</td>
                  <td>${formatShare(count / judgedRequests(requests))}</td>
                </tr>`,
            )}
          </tbody>
        </table>
      </div>
      <div class="wide" tabindex="0" role="region" aria-label="Most common errors">
        <table>
          <caption>
            The most common errors
          </caption>
          <thead>
            <tr>
              <th scope="col">outcome</th>
              <th scope="col">requests</th>
              <th scope="col">HTTP</th>
              <th scope="col" class="left message">message</th>
            </tr>
          </thead>
          <tbody>
            ${requests.failures.map(
              ({ outcome, http_status, error, numbers_differ, count }) =>
                html`<tr>
                  <td>${outcomeText(outcome)}</td>
                  <td>${withThousands(count)}</td>
                  <td>${http_status ?? '-'}</td>
                  <td class="left message">
                    ${error ?? '-'}${numbers_differ ? ' (and the like, with other numbers)' : null}
                  </td>
                </tr>`,
            )}
          </tbody>
        </table>
      </div>
    </div>`,
  );
}
