// Several runs of one's own: kept under names, compared in one table and one chart, found again, deleted.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import AxeBuilder from '@axe-core/playwright';
import { TINY, calm, encoded, open, put, start, startable, textIs } from './page.mjs';

const MINUTES = 60_000;

let site;
before(async () => {
  site = await start();
});
after(() => site.close());

test('two runs are kept, compared, found again after a reload, renamed and deleted', async () => {
  const spec = { ...TINY, methods: ['pretrained', 'fine-tuning'] };
  const opened = await open(site, { query: `device=cpu&spec=${encoded(spec)}`, hash: '#train' });
  const { page, id } = opened;
  const run = async (name) => {
    await id('train-start').click();
    await textIs(id('train-status'), /loading|stage|evaluating/, MINUTES);
    await textIs(id('train-status'), 'done', 5 * MINUTES);
    await id('keep-name').fill(name);
    await id('keep').click();
    await page.waitForFunction((name) => [...document.querySelectorAll('.kept-runs input[type=text]')]
      .some((field) => field.value === name), name);
  };
  await startable(opened);
  assert.equal(await id('kept').count(), 0, 'nothing to keep yet');
  await run('first');
  assert.equal(await id('keep-name').inputValue(), 'first');
  await put(id('train-steps'), '8');
  await run('second');
  assert.match(await id('kept-room').textContent(), /They take [\d.]+ (kB|MB)/);

  await id('kept-choose-0').check();
  await id('kept-choose-1').check();
  const methods = id('kept-table').locator('tbody tr th');
  await page.waitForFunction(() => document.querySelectorAll('[data-testid=kept-table] tbody tr').length >= 3);
  const names = await methods.allTextContents();
  for (const name of ['first: pretrained', 'first: fine-tuning', 'second: fine-tuning']) {
    assert.ok(names.includes(name), `${name} is not among ${names}`);
  }
  const lines = id('kept-loss-chart').locator('svg path.series');
  await lines.nth(1).waitFor({ state: 'attached' });
  const { violations } = await new AxeBuilder({ page }).include('[data-testid=kept]').analyze();
  assert.deepEqual(violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(' | ')}`), []);

  await page.reload();
  await startable(opened);
  assert.equal(await id('kept-name-0').inputValue(), 'first');
  await put(id('kept-name-0'), 'second');
  await page.waitForFunction(() => document.querySelector('[data-testid=kept-name-0]').value === 'second (2)');
  await id('kept-delete-1').click();
  await id('confirm-yes').click();
  await id('kept-name-1').waitFor({ state: 'detached' });
  await page.reload();
  await startable(opened);
  assert.equal(await page.locator('.kept-runs li').count(), 1, 'what was deleted came back');
  await calm(opened);
});
