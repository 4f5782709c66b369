// The page as a lesson: the wall, columns of one's choice, the story, links to exactly what is shown, large type.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import AxeBuilder from '@axe-core/playwright';
import { calm, loaded, open, put, start, startable, textIs } from './page.mjs';
import { RECORDED } from './recorded.mjs';

const MINUTE = 60_000;
const REPORT = new URL('../../public/recorded/rte-mini/report.json', import.meta.url);

let site;
let report;
before(async () => {
  site = await start();
  report = JSON.parse(await readFile(REPORT, 'utf8'));
});
after(() => site.close());

const question = ({ page }) => page.locator('#question');
const cell = ({ page }, task, column) => page.getByTestId(`wall-${task}-${column}`);
const note = ({ page }, column) => page.locator(`[data-column="${column}"] .marks .note`);
const example = (task) => report.examples.find((example) => example.task === task);

async function holdWorker(opened) {
  let release;
  const held = new Promise((done) => {
    release = done;
  });
  await opened.context().route('**/promot-worker_bg.wasm', async (route) => {
    await held;
    await route.continue();
  });
  return release;
}

test('the wall has a recorded answer of every task by every model at once, then this device\'s own', async () => {
  let release;
  const opened = await open(site, { prepare: async (page) => (release = await holdWorker(page)) });
  const { page, id } = opened;
  await id('wall').waitFor();
  for (const task of ['rte-mini', 'wmt_ende-mini', 'xsum-mini']) {
    for (const column of ['pretrained', 'fine-tuning', 'promot']) {
      const found = cell(opened, task, column);
      await found.and(page.locator('.recorded')).waitFor();
      assert.equal((await found.locator('.said').textContent()).trim(), example(task).outputs[column]);
    }
  }
  assert.equal(await page.locator('[data-testid=wall] tbody tr').count(), 9);
  // True and False light up where nothing asks for them, and nowhere in the pretrained column.
  await cell(opened, 'wmt_ende-mini', 'fine-tuning').and(page.locator('.drifted')).waitFor();
  assert.equal(await page.locator('[data-of=pretrained] .drifted').count(), 0);
  assert.equal(await page.locator('[data-task=rte-mini] .drifted').count(), 0);
  const score = report.runs[0].unseen.find((score) => score.task === 'xsum-mini' && score.shots === 1).score;
  await textIs(cell(opened, 'xsum-mini', 'pretrained').locator('.score'), score.toFixed(0));
  release();
  await page.waitForFunction(() => document.querySelectorAll('.cell').length === 27 && !document.querySelector('.cell.recorded'), null, {
    timeout: 2 * MINUTE,
  });
  await cell(opened, 'wmt_ende-mini', 'fine-tuning').click();
  await textIs(id('answer-fine-tuning'), /True|False/);
  assert.match(await question(opened).inputValue(), /English to German/);
  await calm(opened);
});

test('what is recorded never stands under a model that it is not of', async () => {
  let release;
  const columns = 'pretrained*promot/prompt-alone*fine-tuning/mixed*promot/with-prompt';
  const prepare = async (page) => (release = await holdWorker(page));
  const opened = await open(site, { prepare, hash: `#compare?columns=${encodeURIComponent(columns)}` });
  await cell(opened, 'xsum-mini', 'pretrained').and(opened.page.locator('.recorded')).waitFor();
  for (const column of ['promot/prompt-alone', 'fine-tuning/mixed', 'promot/with-prompt']) {
    assert.equal((await cell(opened, 'xsum-mini', column).locator('.said').textContent()).trim(), '\u2026', column);
  }
  release();
  for (const column of columns.split('*')) await note(opened, column).filter({ hasText: 'tokens' }).waitFor({ timeout: MINUTE });
  await calm(opened);
});

test('columns are chosen, two to six, and each says how its answer was made', async () => {
  const opened = await open(site, { recorded: RECORDED });
  const { page, id } = opened;
  await loaded(opened);
  await id('column-promot/prompt-alone').check();
  await id('column-fine-tuning/mixed').check();
  for (const column of ['pretrained', 'promot/prompt-alone', 'fine-tuning/mixed']) {
    await note(opened, column).filter({ hasText: 'tokens' }).waitFor({ timeout: MINUTE });
  }
  const made = page.locator('[data-column="promot/prompt-alone"] .made');
  await made.locator('summary').click();
  await textIs(made, /before the pretrained model.*20 trained vectors.*1 before row 1 of triviaqa-mini.*greedy/s);
  await textIs(made.getByTestId('exact-text'), /^20 prompt vectors.*Q.*:.*<\/s>$/s);
  await id('mix').fill('0');
  await textIs(page.locator('[data-column="fine-tuning/mixed"] .origin'), /^0 % of the way/);
  await note(opened, 'fine-tuning/mixed').filter({ hasText: 'tokens' }).waitFor({ timeout: MINUTE });
  assert.equal(
    await id('answer-fine-tuning/mixed').textContent(),
    await id('answer-pretrained').textContent(),
    'none of the tuned weights: the pretrained model',
  );
  await id('column-promot').uncheck();
  await id('answer-promot').waitFor({ state: 'detached' });
  await id('column-fine-tuning').uncheck();
  await id('column-fine-tuning/mixed').uncheck();
  assert.ok(await id('column-pretrained').isDisabled(), 'two are the fewest');
  await calm(opened);
});

test('the story goes on with keys, says the report\'s own numbers, and ends', async () => {
  const opened = await open(site, { hash: '#story-1' });
  const { page, id } = opened;
  await textIs(id('story'), /Step 1 of 5/);
  const mean = (method, of) => {
    const values = report.runs.filter((run) => run.method === method).map(of);
    return (values.reduce((sum, value) => sum + value, 0) / values.length).toFixed(1);
  };
  await page.keyboard.press('ArrowRight');
  await textIs(id('story'), /Step 2 of 5/);
  assert.equal(new URL(page.url()).hash, '#story-2');
  assert.ok((await id('story').textContent()).includes(mean('fine-tuning', (run) => run.target.score)));
  await page.locator('[data-of=fine-tuning].pointed').first().waitFor();
  await page.keyboard.press('ArrowLeft');
  await textIs(id('story'), /Step 1 of 5/);
  await page.keyboard.press('Enter');
  await textIs(id('story'), /Step 2 of 5/);
  await id('story-next').click();
  await textIs(id('story'), /Step 3 of 5/);
  await textIs(id('answer-fine-tuning'), /True|False/);
  await page.keyboard.press('ArrowRight');
  await textIs(id('story'), /Step 4 of 5/);
  const told = await id('story').textContent();
  for (const method of ['pretrained', 'fine-tuning', 'promot']) assert.ok(told.includes(mean(method, (run) => run.norm_avg['1'])), method);
  await page.keyboard.press('ArrowRight');
  await textIs(id('story'), /Step 5 of 5.*Try this/s);
  await page.keyboard.press('ArrowRight');
  await textIs(id('story'), /Step 5 of 5/);
  await id('tries').getByRole('link').first().click();
  await id('answer-promot/prompt-alone').waitFor();
  await id('story').waitFor({ state: 'detached' });
  await page.goBack();
  await id('story').waitFor();
  await page.keyboard.press('Escape');
  await id('story').waitFor({ state: 'detached' });
  await page.locator('.pointed').first().waitFor({ state: 'detached' });
  await calm(opened);
});

test('a link opens exactly this view elsewhere, and starts nothing', async () => {
  const opened = await open(site, { recorded: RECORDED });
  const { page, id } = opened;
  await loaded(opened);
  await id('column-promot/with-prompt').check();
  await put(id('shots-input'), '2');
  // Two examples in front: what is filled in while they arrive would be joined to them.
  await page.waitForFunction((editor) => /\S/.test(editor.value), await question(opened).elementHandle());
  await question(opened).fill('Q: Where is the mill? & so on # A:');
  await id('share').click();
  const link = await id('share-link').inputValue();
  assert.ok(link.length < 400, link);
  await calm(opened);

  const hash = new URL(link).hash;
  const other = await open(site, { recorded: RECORDED, hash: `${hash}&hide=wall,recorded` });
  await loaded(other);
  assert.equal(await question(other).inputValue(), 'Q: Where is the mill? & so on # A:');
  assert.equal(await other.id('shots-input').inputValue(), '2');
  await other.id('answer-promot/with-prompt').waitFor();
  assert.ok(!(await other.id('wall').isVisible()) && !(await other.id('recorded').isVisible()));
  await calm(other);

  const spec = 'eyJzdGFnZSI6W3sibWV0aG9kIjoiZmluZS10dW5pbmciLCJzdGVwcyI6N31dfQ';
  const train = await open(site, { hash: `#train?spec=${spec}` });
  await startable(train);
  assert.equal(await train.id('train-steps').inputValue(), '7');
  await textIs(train.id('train-status'), 'idle');
  await calm(train);
});

test('a bad link gives one sentence and a page that works', async () => {
  for (const [hash, words] of [
    ['#compare?columns=promot', /1 models side by side; it may have 2 to 6/],
    [`#compare?text=${'a'.repeat(30_000)}`, /too long/],
    ['#compare?evil=<b>', /does not know/],
    ['#story-9', /has 5 steps; the link asks for step 9/],
  ]) {
    const opened = await open(site, { hash });
    await textIs(opened.id('error'), words);
    await textIs(opened.id('answer-pretrained'), /\w/);
    await calm(opened);
  }
});

test('P is for large type, but not while someone is typing', async () => {
  const opened = await open(site);
  const { page, id } = opened;
  await page.locator('.said').first().waitFor();
  const size = () => page.evaluate(() => Number.parseFloat(getComputedStyle(document.querySelector('.said')).fontSize));
  const before = await size();
  await page.keyboard.press('p');
  assert.ok((await size()) >= 1.4 * before);
  assert.equal(await id('large').getAttribute('aria-pressed'), 'true');
  await question(opened).fill('');
  await question(opened).press('p');
  assert.ok((await size()) >= 1.4 * before);
  assert.equal(await question(opened).inputValue(), 'p');
  await calm(opened);
});

test('the made-up world gives a question for every fact, and words outside it are named', async () => {
  const opened = await open(site, { recorded: RECORDED });
  const { page, id } = opened;
  await loaded(opened);
  await id('world').locator('summary').click();
  await page.getByRole('button', { name: 'Eva', exact: true }).click();
  await page.getByRole('button', { name: 'What does Eva enjoy?' }).click();
  assert.match(await question(opened).inputValue(), /^Q: What does \w+ enjoy\? A: \w+ Q: What does Eva enjoy\? A:$/);
  await note(opened, 'promot').filter({ hasText: 'tokens' }).waitFor({ timeout: MINUTE });
  await textIs(id('unknown-words'), '');
  await question(opened).fill('Q: Where is France? A:');
  await id('ask').click();
  await textIs(id('unknown-words'), /^.France. is no word of this model/);
  await calm(opened);
});

test('words of the field are explained by pointer and focus, and Escape ends it', async () => {
  const opened = await open(site);
  const { page, id } = opened;
  const term = id('glossary').getByRole('button', { name: 'soft prompt' });
  await term.waitFor();
  assert.equal(await page.locator('[role=tooltip]:visible').count(), 0);
  await term.focus();
  await page.locator('[role=tooltip]:visible').filter({ hasText: 'vectors' }).waitFor();
  await page.keyboard.press('Escape');
  await page.locator('[role=tooltip]:visible').waitFor({ state: 'detached' });
  await term.hover();
  await page.locator('[role=tooltip]:visible').filter({ hasText: 'vectors' }).waitFor();
  await calm(opened);
});

test('recorded curves wait in the charts before the first run', async () => {
  const opened = await open(site, { hash: '#train' });
  const { id, page } = opened;
  for (const chart of ['loss-chart', 'format-chart', 'target-chart', 'unseen-chart']) {
    await id(chart).and(page.locator('.faint')).locator('svg path.series').first().waitFor({ state: 'attached' });
    assert.match(await id(chart).textContent(), /recorded/);
  }
  await calm(opened);
});

for (const colorScheme of ['light', 'dark']) {
  for (const width of [390, 1440]) {
    test(`axe finds nothing serious in the story at ${width}, ${colorScheme}`, async () => {
      const opened = await open(site, { hash: '#story-5', colorScheme, viewport: { width, height: 900 } });
      const { page } = opened;
      await textIs(opened.id('story'), /Step 5 of 5/);
      await opened.id('wall').waitFor();
      const { violations } = await new AxeBuilder({ page }).analyze();
      const serious = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
      assert.deepEqual(serious.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(' | ')}`), []);
      const [content, wide] = await page.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]);
      assert.ok(content <= wide, `${content} pixels in ${wide}`);
      await calm(opened);
    });
  }
}
