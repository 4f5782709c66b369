// A closer look: how likely each token of an answer was, and many rows to all models.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import AxeBuilder from '@axe-core/playwright';
import { calm, loaded, open, put, start, textIs } from './page.mjs';

const MINUTE = 60_000;

let site;
before(async () => {
  site = await start();
});
after(() => site.close());

const note = ({ page }, column) => page.locator(`[data-column="${column}"] .marks .note`);
const likely = ({ id }, column) => id(`probabilities-${column}`);

/** Axe on a part of the page. */
async function accessible(page, part) {
  const { violations } = await new AxeBuilder({ page }).include(part).analyze();
  assert.deepEqual(violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(' | ')}`), []);
}

test('a token has its probability and its runners-up, once its model has answered here', async () => {
  const opened = await open(site);
  const { page, id } = opened;
  await loaded(opened);
  // Recorded answers have no model behind them.
  const details = likely(opened, 'fine-tuning');
  await details.locator('summary').click();
  await details.getByText('recorded by the native program').waitFor();
  assert.equal(await details.locator('.weighed').count(), 0);
  await details.getByTestId('ask-here').click();
  await textIs(note(opened, 'fine-tuning'), /tokens? in/);

  const tokens = details.locator('.weighed');
  await tokens.first().waitFor({ timeout: MINUTE });
  const answer = (await id('answer-fine-tuning').textContent()).trim();
  const pieces = (await tokens.locator('span').allTextContents()).map((piece) => piece.replace(/\u00a0/g, ' '));
  assert.ok(pieces.join('').replace('(end)', '').trim().endsWith(answer), `${pieces} for ${answer}`);
  const runners = details.locator('.runners li');
  assert.ok((await runners.count()) >= 5);
  const percents = (await runners.locator('.score').allTextContents()).map((text) => parseFloat(text.replace('under ', '')));
  assert.ok(percents.slice(0, 5).every((p, at) => at === 0 || p <= percents[at - 1]), `the likeliest first: ${percents}`);
  assert.equal(await runners.locator('small', { hasText: 'written' }).count(), 1);

  // The keyboard and a finger do what the pointer does.
  if ((await tokens.count()) > 1) {
    await tokens.nth(0).focus();
    await page.keyboard.press('Tab');
    await details.getByText('Likeliest in place 2').waitFor();
    assert.equal(await tokens.nth(1).getAttribute('aria-pressed'), 'true');
    await tokens.nth(0).click();
    await details.getByText('Likeliest in place 1').waitFor();
  }
  await accessible(page, '[data-testid="probabilities-fine-tuning"]');

  // Another question has other probabilities, asked for as long as the list is open.
  await page.locator('#question').fill('Q: Where is the mill? A:');
  await id('ask').click();
  await textIs(note(opened, 'fine-tuning'), /tokens? in/);
  await tokens.first().waitFor({ timeout: MINUTE });
  await calm(opened);
});

test('many rows to all models: progress, scores with intervals, filters, files', async () => {
  const opened = await open(site);
  const { page, id } = opened;
  await loaded(opened);
  await id('batch').locator('summary').first().click();
  await id('batch-task').selectOption('triviaqa-mini');
  await put(id('batch-rows'), '12');
  await id('batch-start').click();
  await textIs(id('batch-progress'), /of 36 answers/);
  await id('batch-scores').waitFor({ timeout: 3 * MINUTE });
  assert.match(await id('batch-scores').locator('h3').textContent(), /triviaqa-mini.*1-shot, 12 rows: /);
  const score = id('batch-scores').locator('tr[data-column=pretrained]');
  assert.match(await score.textContent(), /\d+\.\d\d+\.\d to \d+\.\d/);
  // Three pairs, each with a verdict.
  const verdicts = await id('batch-differences').locator('tbody td:last-child').allTextContents();
  assert.equal(verdicts.length, 3);
  assert.ok(verdicts.every((text) => /is better|not enough rows to tell/.test(text)), verdicts.join());
  await id('batch-scores').getByText('How these scores were made').click();
  assert.match(await id('batch-scores').locator('.signatures').textContent(), /task:triviaqa-mini.*shots:1.*greedy/);

  // The page's own row is a row of the batch: the same text, the same answer.
  assert.equal(await id('batch-table').locator('tbody tr').count(), 12);
  await id('batch-filter-drifted').click();
  const drifted = await id('batch-table').locator('tbody tr').count();
  assert.match(await id('batch-filter-drifted').textContent(), new RegExp(`\\(${drifted}\\)`));
  assert.ok(drifted < 12 || (await id('batch-table').locator('.drift').count()) >= 12);
  await id('batch-filter-all').click();
  await accessible(page, '[data-testid=batch]');

  const saved = async (button) => {
    const [download] = await Promise.all([page.waitForEvent('download'), button.click()]);
    return readFile(await download.path(), 'utf8');
  };
  const jsonl = (await saved(id('batch-jsonl'))).trim().split('\n').map((line) => JSON.parse(line));
  assert.equal(jsonl.length, 36);
  const one = jsonl.filter((line) => line.column === 'pretrained');
  const mean = one.reduce((sum, line) => sum + line.score, 0) / one.length;
  assert.ok((await score.textContent()).includes(mean.toFixed(1)), `${mean} is not the score`);
  assert.equal((await saved(id('batch-csv'))).trim().split('\r\n').length, 37);
  await calm(opened);
});

test('a batch that is stopped is a comparison of what was answered, and others are answered meanwhile', async () => {
  const opened = await open(site);
  const { id } = opened;
  await loaded(opened);
  await id('batch').locator('summary').first().click();
  await id('batch-task').selectOption('xsum-mini');
  await put(id('batch-rows'), '500');
  assert.equal(await id('batch-rows').inputValue(), '200', 'what is used is what is shown');
  await id('batch-start').click();
  await textIs(id('batch-progress'), /[1-9]\d* of 600 answers, about/);
  // A question of the user's own does not wait for the end.
  await opened.page.locator('#question').fill('Q: Where is the mill? A:');
  await id('ask').click();
  await textIs(note(opened, 'pretrained'), /tokens? in/);
  assert.equal(await id('batch-scores').count(), 0, 'the batch goes on');
  await id('batch-stop').click();
  await id('batch-scores').waitFor({ timeout: MINUTE });
  assert.match(await id('batch-scores').locator('h3').textContent(), /\d+ rows, stopped there/);
  await calm(opened);
});
