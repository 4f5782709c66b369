// The way in: first paint, device, recorded results or their absence, the address's parameters.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { calm, encoded, loaded, open, start, textIs } from './page.mjs';
import { RECORDED } from './recorded.mjs';

let site;
before(async () => {
  site = await start();
});
after(() => site.close());

test('the first screen says whether results are recorded', async () => {
  const opened = await open(site);
  const { page } = opened;
  await page.getByRole('heading', { level: 1, name: 'One question, several models' }).waitFor();
  await page.locator('[data-testid=recorded-table] tbody tr, [data-testid=no-recorded]').first().waitFor();
  await calm(opened);
});

test('device and reason are shown in words', async () => {
  const opened = await open(site);
  await textIs(opened.id('device'), /cpu/i);
  const reason = await textIs(opened.id('device-reason'), /\w+ \w+/);
  assert.doesNotMatch(reason, /looking for/);
  await calm(opened);
});

test('recorded results are there at once, marked as recorded', async () => {
  const opened = await open(site, { recorded: RECORDED });
  const { page, id } = opened;
  await id('recorded-table').locator('tr[data-method=promot]').waitFor();
  await textIs(id('answer-pretrained'), 'stamps');
  await textIs(id('answer-fine-tuning'), 'True');
  await textIs(id('answer-promot'), 'stamps');
  const marks = (column) => page.locator(`[data-column=${column}] .marks`).textContent();
  assert.match(await marks('pretrained'), /right.*precomputed/);
  assert.match(await marks('fine-tuning'), /wrong.*rte-mini.s format.*precomputed/);
  assert.match(await id('recorded').textContent(), /run .made-up./);
  await calm(opened);
});

test('further recorded results are fetched when they are opened, and a broken one says so', async () => {
  const opened = await open(site, { recorded: RECORDED });
  const { id } = opened;
  await id('recorded-second').locator('summary').click();
  await id('recorded-more').locator('tr[data-method=promot]').waitFor();
  await id('recorded-lost').locator('summary').click();
  await textIs(id('recorded-lost'), /cannot be read: .*version/);
  assert.equal(await id('recorded-table').count(), 1);
  await calm(opened);
});

test('what a real model answered stands side by side below the results', async () => {
  const opened = await open(site);
  const { page, id } = opened;
  await id('recorded-rte-smollm2').locator('summary').first().click();
  const first = id('recorded-answers').locator('.example').first();
  await first.waitFor();
  assert.match(await first.locator('.reference').textContent(), /Paris/);
  assert.deepEqual(await first.locator('h3').evaluateAll((all) => all.slice(0, 3).map((h) => h.textContent.trim().split(' ')[0])), [
    'pretrained',
    'fine-tuning',
    'promot',
  ]);
  assert.match(await id('recorded').textContent(), /SmolLM2-135M/);
  assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), 'nothing is wider than the window');
  await calm(opened);
});

test('a spec in the address fills the form', async () => {
  const spec = { fine_tuning: { steps: 7 }, target: { task: 'wic-mini' } };
  const opened = await open(site, { query: `device=cpu&spec=${encoded(spec)}`, hash: '#train' });
  assert.equal(await opened.id('train-steps').inputValue(), '7');
  assert.equal(await opened.id('train-task').inputValue(), 'wic-mini');
  await calm(opened);
});

test('a spec that cannot be read is an error that can be dismissed, not a broken page', async () => {
  const opened = await open(site, { query: `device=cpu&spec=${encoded({ nonsense: 1 })}` });
  await textIs(opened.id('error'), /nonsense/);
  await opened.page.getByRole('button', { name: 'Dismiss' }).click();
  await opened.id('error').waitFor({ state: 'detached' });
  await loaded(opened);
  await calm(opened);
});

test('an unknown device in the address is named', async () => {
  const opened = await open(site, { query: 'device=tpu' });
  await textIs(opened.id('error'), /tpu.*webgpu/);
  await opened.context.close();
});
