// While it trains: fixed questions are answered along the run, can be gone back to, and survive a pause and a reload.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import AxeBuilder from '@axe-core/playwright';
import { TINY, calm, encoded, open, reached, start, startable, textIs } from './page.mjs';

const MINUTES = 60_000;

let site;
before(async () => {
  site = await start();
});
after(() => site.close());

async function training(spec, options) {
  const opened = await open(site, { query: `device=cpu&spec=${encoded(spec)}`, hash: '#train', ...options });
  await startable(opened);
  return opened;
}

/** Moves the slider as a hand does. */
const slide = (opened, to) =>
  opened.id('watch-step').evaluate((range, to) => {
    range.value = to;
    range.dispatchEvent(new Event('input', { bubbles: true }));
  }, to);

const last = async (opened) => Number(await opened.id('watch-step').getAttribute('max'));
const said = (opened, task) => opened.id(`watched-${task}`).locator('.said');

test('three questions are answered along both stages, and the slider goes back', async () => {
  const held = ['triviaqa-mini', 'wmt_ende-mini'];
  const opened = await training({ ...TINY, methods: ['promot'], eval: { ...TINY.eval, tasks: held } });
  const { page, id } = opened;
  assert.match(await id('watch').textContent(), /The answers come with the run/);
  await id('train-start').click();
  await textIs(id('train-status'), 'done', 5 * MINUTES);
  for (const task of ['rte-mini', ...held]) await textIs(said(opened, task), /\S/);

  // Stage 1 before its first step and after 1, 2 and 4 steps; stage 2 after 6, too.
  assert.equal(await last(opened), 8);
  assert.match(await id('watch-when').textContent(), /stage 2, step 6/);
  await id('watch').getByText('All answers as a table').click();
  const points = await id('watch-table').locator('tbody th').allTextContents();
  assert.deepEqual(points.map((text) => text.replace(', before the first step', ', step 0')), [
    'stage 1, step 0', 'stage 1, step 1', 'stage 1, step 2', 'stage 1, step 4',
    'stage 2, step 0', 'stage 2, step 1', 'stage 2, step 2', 'stage 2, step 4', 'stage 2, step 6',
  ]);
  const rows = await id('watch-table').locator('tbody tr').evaluateAll((rows) =>
    rows.map((row) => [...row.querySelectorAll('td')].map((cell) => cell.textContent)));
  assert.equal(rows[1][1], 'as before the first step', 'stage 1 does not change the held-out answers');

  // The newest point is shown; with the keyboard one goes back, and every point has its own answers.
  await id('watch-step').focus();
  await page.keyboard.press('Home');
  await textIs(id('watch-when'), 'stage 1, before the first step');
  assert.equal(await id('watch-step').getAttribute('aria-valuetext'), 'stage 1, before the first step');
  await slide(opened, 2);
  await textIs(id('watch-when'), 'stage 1, step 2');
  assert.match(await id('watched-triviaqa-mini').textContent(), /model frozen in this stage/);
  assert.match(await id('watched-rte-mini').textContent(), /with the soft prompt/);
  assert.equal((await said(opened, 'wmt_ende-mini').textContent()).trim(), rows[0][2].trim());
  const { violations } = await new AxeBuilder({ page }).include('[data-testid=watch]').analyze();
  assert.deepEqual(violations.map(({ id, nodes }) => `${id}: ${nodes[0].html}`), []);
  await calm(opened);
});

test('what was answered survives a pause and a reload', async () => {
  const stage = { ...TINY.fine_tuning, steps: 40, batch: 4, checkpoint_every: 4 };
  const spec = { ...TINY, methods: ['fine-tuning'], fine_tuning: stage, eval: { ...TINY.eval, curve_every: 0 } };
  const opened = await training(spec);
  const { page, id } = opened;
  await id('train-start').click();
  await reached(opened, 9, 3 * MINUTES);
  await id('train-pause').click();
  await textIs(id('train-status'), 'paused', MINUTES);
  const before = await last(opened);
  assert.ok(before >= 4, `${before + 1} points: 0, 1, 2, 4, 8 were due`);
  await slide(opened, 0);
  const first = (await said(opened, 'triviaqa-mini').textContent()).trim();
  await page.reload();
  await startable(opened);
  await id('saved-continue').click();
  await id('train-progress').waitFor({ timeout: MINUTES });
  await page.waitForFunction((least) => Number(document.querySelector('[data-testid=watch-step]')?.max) >= least, before, {
    timeout: 2 * MINUTES,
  });
  await slide(opened, 0);
  await textIs(id('watch-when'), 'stage 1, before the first step');
  assert.equal((await said(opened, 'triviaqa-mini').textContent()).trim(), first);
  await id('train-stop').click();
  await textIs(id('train-status'), 'idle', MINUTES);
  await calm(opened);
});
