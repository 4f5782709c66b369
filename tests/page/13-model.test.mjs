// The models that come with the page: each asked, trained and recorded by itself.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { TINY, calm, encoded, loaded, open, start, startable, textIs } from './page.mjs';

const MINUTES = 60_000;
const LLAMA = 'mini-llama';

let site;
before(async () => {
  site = await start();
});
after(() => site.close());

/** Until the page has this model open. */
async function has(opened, model, ready = loaded) {
  await opened.page.waitForURL(new RegExp(`model=${model}(&|#|$)`));
  await ready(opened);
  assert.equal(await opened.id('model').inputValue(), model);
}

test('the decoder-only model is chosen on the page, answers, and stays in the link', async () => {
  const opened = await open(site);
  const { page, id } = opened;
  await loaded(opened);
  assert.equal(await id('model').inputValue(), 'mini');
  await id('model').selectOption(LLAMA);
  await has(opened, LLAMA);
  assert.match(page.url(), /device=cpu/, 'the other parameters stay');
  await page.locator('#question').fill('Q: What is the capital of France? A:');
  await id('ask').click();
  await page.locator('[data-column=pretrained] .marks').waitFor();
  await textIs(id('answer-pretrained'), /\w/);
  await id('share').click();
  assert.match(await id('share-link').inputValue(), /model=mini-llama.*#compare\?/);
  await calm(opened);
});

test('settings in the address open their own model, and another one is named', async () => {
  const query = `device=cpu&spec=${encoded({ ...TINY, model: LLAMA })}`;
  const opened = await open(site, { query, hash: '#train' });
  await startable(opened);
  assert.equal(await opened.id('model').inputValue(), LLAMA);
  assert.match(await opened.id('train-command').inputValue(), /model = "mini-llama"/);
  await calm(opened);
  const unknown = await open(site, { query: 'device=cpu&model=gpt5' });
  await textIs(unknown.id('error'), /`gpt5`; this page has mini or mini-llama/);
  await calm(unknown);
});

test('both stages train the decoder-only model, and its run is not taken for the other model\'s', async () => {
  const query = `device=cpu&spec=${encoded({ ...TINY, model: LLAMA })}`;
  const opened = await open(site, { query, hash: '#train' });
  const { id } = opened;
  await startable(opened);
  await id('train-start').click();
  assert.ok(await id('model').isDisabled(), 'not during a run');
  await textIs(id('train-status'), 'done', 5 * MINUTES);
  await id('results-table').locator('tr[data-method=promot]').waitFor();
  await id('model').selectOption('mini');
  await has(opened, 'mini', startable);
  await textIs(id('saved-run'), /It is of the model mini-llama/);
  await textIs(id('saved-continue'), 'Open mini-llama');
  await id('saved-continue').click();
  await has(opened, LLAMA, startable);
  await textIs(id('saved-continue'), 'Show it');
  await id('saved-continue').click();
  await id('results-table').locator('tr[data-method=promot]').waitFor({ timeout: 2 * MINUTES });
  await calm(opened);
});

test('the decoder-only model has recorded answers, and its tuned models answer here', async () => {
  const opened = await open(site, { query: `device=cpu&model=${LLAMA}` });
  const { page, id } = opened;
  await page.locator('.cell.recorded').first().waitFor();
  await loaded(opened);
  assert.match(await page.locator('.lead').first().textContent(), /fine-tuning on “English to French” alone/);
  // Answered on this device, the target in the tuned language, German by whom it was asked for.
  const live = (column) => page.locator(`[data-testid=wall-wmt_ende-mini-${column}]:not(.recorded)`);
  for (const column of ['pretrained', 'fine-tuning', 'promot']) await live(column).waitFor({ timeout: 2 * MINUTES });
  await textIs(live('pretrained').locator('.said'), /^Der /);
  assert.equal(await live('fine-tuning').evaluate((cell) => cell.classList.contains('drifted')), true);
  // The story tells this model's own numbers.
  await id('story-start').click();
  await page.getByRole('heading', { name: 'Ask a small model' }).waitFor();
  assert.doesNotMatch(await id('story').textContent(), /True/);
  await calm(opened);
});

test('without recorded results of its own, the decoder-only model answers the questions of the wall live', async () => {
  const prepare = (page) =>
    page.route('**/recorded/index.json', async (route) => {
      const response = await route.fetch();
      await route.fulfill({ response, json: (await response.json()).filter(({ model }) => model !== LLAMA) });
    });
  const opened = await open(site, { query: `device=cpu&model=${LLAMA}`, prepare });
  const { page, id } = opened;
  const row = page.locator('[data-testid^=wall-][data-testid$=-pretrained]');
  await row.first().waitFor();
  assert.equal(await row.count(), 9);
  assert.equal(await page.locator('.cell.recorded').count(), 0, 'answers of the other model');
  const answered = () => {
    const said = [...document.querySelectorAll('[data-testid$=-pretrained] .said')].map((cell) => cell.textContent);
    return said.length === 9 && !said.includes('…');
  };
  await page.waitForFunction(answered, null, { timeout: 2 * MINUTES });
  await textIs(id('wall-rte-mini-promot'), /not trained yet/);
  assert.match(await page.locator('.lead').first().textContent(), /as it was pretrained/);
  await textIs(id('no-recorded'), /No results of mini-llama come with this page/);
  await id('recorded-rte-mini').waitFor();
  await calm(opened);
});
