// Explore: what training left in a model; and what is below every chart and every answer.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import AxeBuilder from '@axe-core/playwright';
import { TINY, calm, encoded, loaded, open, put, start, startable, textIs } from './page.mjs';

const MINUTES = 60_000;

let site;
before(async () => {
  site = await start();
});
after(() => site.close());

async function withoutFindings(page) {
  const { violations } = await new AxeBuilder({ page }).analyze();
  const told = violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(' | ')}`);
  assert.deepEqual(told, []);
}

/** The file that a click on the element with this test id saves. */
async function saved({ page, id }, testid) {
  const [download] = await Promise.all([page.waitForEvent('download'), id(testid).click()]);
  return { name: download.suggestedFilename(), bytes: await readFile(await download.path()) };
}

test('the shipped model: weights, prompt, and what its run has measured', async () => {
  const opened = await open(site, { hash: '#explore' });
  const { page, id } = opened;
  await textIs(id('explore-model').locator('option:checked'), /^ProMoT, tuned on rte-mini, comes with the page$/);
  const chart = id('weights-chart').locator('svg');
  await chart.waitFor({ timeout: MINUTES });
  const cells = await chart.locator('rect').count();
  assert.ok(cells > 20, `${cells} cells`);
  await textIs(chart.locator('desc'), /The largest is (shared|encoder|decoder)/);
  assert.equal(await id('nearest-table').locator('tbody tr').count(), 20);
  await textIs(id('prompt-chart').locator('svg'), /first component, \d+ % of the variance/);
  await textIs(id('no-alignment'), /was not measured in this run/);
  await id('frontier-chart').locator('svg').waitFor();
  await id('kinds-charts').locator('> summary').click();
  await id('kinds-chart-0').locator('svg').waitFor();
  assert.ok((await id('kinds-charts').locator('svg').count()) > 4, 'one a method, one a kind of task');
  await id('signs-table').waitFor();
  await withoutFindings(page);

  await id('explore-model').selectOption('fine-tuning');
  await id('no-prompt').waitFor({ timeout: MINUTES });
  await chart.waitFor();
  await id('share').click();
  assert.equal(new URL(await id('share-link').inputValue()).hash, '#explore?model=fine-tuning');
  await calm(opened);
});

test('the numbers in the heat map are those of the weights', async () => {
  const opened = await open(site, { hash: '#explore?model=fine-tuning' });
  const { id } = opened;
  await id('weights-chart').locator('svg').waitFor({ timeout: MINUTES });
  await id('weights-chart-data').locator('summary').click();
  const { name, bytes } = await saved(opened, 'weights-chart-csv');
  assert.equal(name, 'weights-chart.csv');
  const [head, ...rows] = bytes.toString().trim().split('\r\n');
  assert.equal(head, 'place,kind,change in %');
  const shared = Number(rows.find((row) => row.startsWith('shared,embedding,')).split(',')[2]);
  const expected = 100 * (await movedBy('shared.weight'));
  assert.ok(Math.abs(shared - expected) < 0.01 * expected, `${shared} in the table, ${expected} in the files`);
  await calm(opened);
});

/** How far a tensor of the shipped fine-tuned model is from the bundled one's, relative to its length. */
async function movedBy(name) {
  const read = async (path) => {
    const bytes = await readFile(new URL(`../../public/${path}/model.safetensors`, import.meta.url));
    const length = Number(bytes.readBigUInt64LE(0));
    const header = JSON.parse(bytes.subarray(8, 8 + length).toString());
    const { dtype, data_offsets: [from, to] } = header[name];
    assert.equal(dtype, 'F16');
    const at = (offset) => half(bytes.readUInt16LE(8 + length + offset));
    return Array.from({ length: (to - from) / 2 }, (_, index) => at(from + 2 * index));
  };
  const [before, after] = [await read('models/mini'), await read('recorded/rte-mini/fine-tuning')];
  const norm = (values) => Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));
  return norm(after.map((value, index) => value - before[index])) / norm(before);
}

function half(bits) {
  const [exponent, fraction] = [(bits >> 10) & 31, bits & 1023];
  const size = exponent === 0 ? fraction * 2 ** -24 : (1 + fraction / 1024) * 2 ** (exponent - 15);
  return bits & 0x8000 ? -size : size;
}

test('a chart is a table, a drawing, a picture and a file of numbers', async () => {
  const opened = await open(site, { hash: '#train' });
  const { page, id } = opened;
  await id('loss-chart').locator('svg').waitFor({ timeout: MINUTES });
  const charts = await page.locator('figure').count();
  assert.equal(await page.locator('figure .chart-data').count(), charts, 'every chart has it');
  assert.equal(await id('loss-chart-data').locator('table').count(), 0, 'nothing is built before somebody looks');
  // With the keyboard alone.
  await id('loss-chart-data').locator('summary').focus();
  await page.keyboard.press('Enter');
  const table = id('loss-chart-data').locator('table');
  await textIs(table.locator('thead'), /series.*step.*Training loss/s);
  const rows = await table.locator('tbody tr').count();
  assert.ok(rows > 20, `${rows} rows`);

  const csv = await saved(opened, 'loss-chart-csv');
  assert.equal(csv.name, 'loss-chart.csv');
  assert.equal(csv.bytes.toString().trim().split('\r\n').length, rows + 1);
  const svg = await saved(opened, 'loss-chart-svg');
  assert.match(svg.bytes.toString(), /^<svg width="360" height="230".*<\/svg>$/s);
  const png = await saved(opened, 'loss-chart-png');
  assert.equal(png.name, 'loss-chart.png');
  assert.equal(png.bytes.subarray(1, 4).toString(), 'PNG');
  assert.deepEqual([png.bytes.readUInt32BE(16), png.bytes.readUInt32BE(20)], [720, 460]);
  assert.ok(png.bytes.length > 5_000, `a blank picture has fewer bytes than ${png.bytes.length}`);
  await withoutFindings(page);
  await calm(opened);
});

test('the prompt alone and what lies between the weights are set up, and many rows wait for a start', async () => {
  const opened = await open(site, { hash: '#explore' });
  const { page, id } = opened;
  await id('prompt-alone').click({ timeout: MINUTES });
  for (const column of ['pretrained', 'promot/prompt-alone', 'promot/with-prompt', 'promot/without-prompt']) {
    await page.locator(`[data-column="${column}"] .note`, { hasText: 'tokens' }).waitFor({ timeout: MINUTES });
  }
  await id('batch-start').waitFor();
  assert.equal(await id('batch-scores').count(), 0, 'nothing was started');
  await put(id('batch-rows'), '8');
  await id('batch-start').click();
  const row = id('batch-scores').locator('[data-column="promot/prompt-alone"]');
  await textIs(row.locator('td').nth(2), /^\d+ %$/, 2 * MINUTES);

  await page.getByRole('link', { name: 'Explore', exact: true }).click();
  await id('between').click();
  const mixed = page.locator('[data-column="promot/mixed"]');
  await mixed.locator('.note', { hasText: 'tokens' }).waitFor({ timeout: MINUTES });
  await id('mix').fill('0');
  await textIs(mixed.locator('.origin'), /^0 % of the way/);
  await mixed.locator('.note', { hasText: 'tokens' }).waitFor({ timeout: MINUTES });
  assert.equal(await id('answer-promot/mixed').textContent(), await id('answer-pretrained').textContent());
  await calm(opened);
});

test('what the decoder looked at: prompt, examples and input, by token and layer', async () => {
  const opened = await open(site, { hash: '#compare?columns=pretrained*promot/with-prompt' });
  const { page, id } = opened;
  await loaded(opened);
  const note = page.locator('[data-column="promot/with-prompt"] .note', { hasText: 'tokens' });
  await note.waitFor({ timeout: MINUTES });
  const looked = id('attention-promot/with-prompt');
  await looked.locator('summary').click();
  const shades = looked.getByTestId('attention-shades');
  await shades.waitFor({ timeout: MINUTES });
  assert.equal(await shades.locator('.vectors .shaded').count(), 20);
  const seen = page.locator('[data-column="promot/with-prompt"] .made');
  await seen.locator('summary').click();
  const exact = seen.getByTestId('exact-text').locator('.token');
  await exact.first().waitFor();
  const tokens = await exact.count();
  assert.equal(await shades.locator('.shaded').count(), 20 + tokens, 'every token that the model saw');
  assert.equal(await looked.getByTestId('attention-first').locator('li').count(), 5);
  const shaded = shades.locator('.shaded');
  const colours = await shaded.evaluateAll((all) => all.map((token) => getComputedStyle(token).backgroundColor));
  assert.ok(new Set(colours).size > 5, `the shades differ: ${[...new Set(colours)]}`);
  const first = await looked.getByTestId('attention-first').textContent();
  await looked.getByTestId('attention-layer').selectOption({ label: 'Layer 3' });
  await page.waitForFunction(
    ([before]) => document.querySelector('[data-testid=attention-first]').textContent !== before,
    [first],
  );
  await withoutFindings(page);
  await calm(opened);
});

test('a run of one\'s own: its change, its gradients; a second run asks before it takes the place of the first', async () => {
  const spec = {
    ...TINY,
    methods: ['pretrained', 'fine-tuning'],
    eval: { ...TINY.eval, alignment_every: 2, alignment_rows: 4 },
  };
  const opened = await open(site, { query: `device=cpu&spec=${encoded(spec)}`, hash: '#train' });
  const { page, id } = opened;
  await startable(opened);
  await id('train-start').click();
  await textIs(id('train-status'), /loading|stage|evaluating/, MINUTES);
  await textIs(id('train-status'), 'done', 5 * MINUTES);
  await page.getByRole('link', { name: 'Explore', exact: true }).click();
  await id('explore-model').selectOption('fine-tuning');
  await textIs(id('explore-model').locator('option:checked'), /trained in this tab/);
  await id('weights-chart').locator('svg').waitFor({ timeout: MINUTES });
  await id('alignment-chart').locator('svg').waitFor();
  await id('alignment-chart-data').locator('summary').click();
  await textIs(id('alignment-chart-data').locator('thead'), /cosine/);

  await page.getByRole('link', { name: 'Train', exact: true }).click();
  await id('train-start').click();
  await id('start-not').click();
  assert.equal((await id('train-status').textContent()).trim(), 'done');
  await id('train-start').click();
  await id('keep-and-start').click();
  await textIs(id('train-status'), /loading|stage|evaluating/, MINUTES);
  await textIs(id('train-status'), 'done', 5 * MINUTES);
  await page.waitForFunction(() => document.querySelectorAll('.kept-runs li').length === 1);
  await calm(opened);
});

for (const colorScheme of ['light', 'dark']) {
  test(`Explore on a phone, ${colorScheme}: nothing scrolls sideways`, async () => {
    const opened = await open(site, { hash: '#explore', colorScheme, viewport: { width: 390, height: 844 } });
    const { page, id } = opened;
    await id('nearest-table').waitFor({ timeout: MINUTES });
    await id('signs-table').waitFor({ timeout: MINUTES });
    const [content, width] = await page.evaluate(() => [
      document.documentElement.scrollWidth,
      document.documentElement.clientWidth,
    ]);
    assert.ok(content <= width, `${content} pixels in ${width}`);
    await withoutFindings(page);
    await calm(opened);
  });
}
