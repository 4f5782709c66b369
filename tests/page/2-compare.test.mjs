// Asking: examples of the tasks, a question of one's own, three columns.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { calm, loaded, open, put, start, textIs } from './page.mjs';

const COLUMNS = ['pretrained', 'fine-tuning', 'promot'];

let site;
before(async () => {
  site = await start();
});
after(() => site.close());

const question = (opened) => opened.page.locator('#question');

test('asking gives an answer or a reason in every column', async () => {
  const opened = await open(site);
  await loaded(opened);
  await opened.id('ask').click();
  for (const column of COLUMNS) {
    const answer = opened.id(`answer-${column}`);
    await answer.and(opened.page.locator('[aria-busy=false]')).waitFor();
    const text = await textIs(answer, /\S/);
    assert.doesNotMatch(text, /thinking|Press/, column);
  }
  await textIs(opened.id('ask'), 'Ask all models');
  assert.match(await opened.page.locator('[data-column=pretrained] .marks').textContent(), /\d+ tokens? in/);
  await calm(opened);
});

test('tasks, shots and the next example change the question', async () => {
  const opened = await open(site);
  await loaded(opened);
  await opened.id('task-select').selectOption('wmt_enro-mini');
  const text = async (wanted) => {
    await opened.page.waitForFunction(
      (source) => new RegExp(source).test(document.querySelector('#question').value),
      wanted.source,
    );
    return question(opened).inputValue();
  };
  const one = await text(/Translate English to Romanian.*Translate English to Romanian/s);
  await opened.id('another-example').click();
  await opened.page.waitForFunction((old) => document.querySelector('#question').value !== old, one);
  await put(opened.id('shots-input'), '0');
  const bare = await text(/^Translate English to Romanian: [^]*$/);
  await opened.page.waitForFunction(
    () => document.querySelector('#question').value.split('Translate English').length === 2,
  );
  assert.ok(bare.length > 0);
  await opened.id('task-select').selectOption('xsum-mini');
  await text(/One sentence summary:/);
  await calm(opened);
});

test('a question of one\'s own is answered, without a mark for right or wrong', async () => {
  const opened = await open(site);
  await loaded(opened);
  await question(opened).fill('Q: Where is the mill? A:');
  await opened.page.getByText('Your own question').waitFor();
  await opened.id('ask').click();
  const marks = opened.page.locator('[data-column=pretrained] .marks');
  await marks.locator('.note', { hasText: 'tokens' }).waitFor();
  assert.equal(await marks.locator('.right, .wrong, .shared').count(), 0);
  await calm(opened);
});

test('a model that is missing says so and points to training', async () => {
  const opened = await open(site);
  await loaded(opened);
  for (const column of ['fine-tuning', 'promot']) {
    const article = opened.page.locator(`[data-column=${column}]`);
    if (/not trained yet/.test(await article.textContent())) {
      await question(opened).fill('Q: Where is the mill? A:');
      await opened.id('ask').click();
      await article.getByRole('link', { name: 'Train it' }).waitFor();
    }
  }
  await calm(opened);
});
