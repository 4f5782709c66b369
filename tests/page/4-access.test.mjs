// For everyone: keyboard, screen reader, phone, light and dark.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import AxeBuilder from '@axe-core/playwright';
import { calm, loaded, open, start, startable, textIs } from './page.mjs';

let site;
before(async () => {
  site = await start();
});
after(() => site.close());

for (const colorScheme of ['light', 'dark']) {
  for (const hash of ['#compare', '#train', '#explore']) {
    test(`axe finds nothing serious in ${hash}, ${colorScheme}`, async () => {
      const opened = await open(site, { hash, colorScheme });
      await textIs(opened.id('device'), /cpu/i);
      const { violations } = await new AxeBuilder({ page: opened.page }).analyze();
      const serious = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
      const told = serious.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(' | ')}`);
      assert.deepEqual(told, []);
      await calm(opened);
    });
  }
}

test('no screen scrolls sideways on a phone', async () => {
  const opened = await open(site, { viewport: { width: 360, height: 740 }, hash: '#compare' });
  const { page } = opened;
  await loaded(opened);
  for (const name of ['Compare', 'Train', 'Explore']) {
    await page.getByRole('link', { name, exact: true }).click();
    const [content, width] = await page.evaluate(() => [
      document.documentElement.scrollWidth,
      document.documentElement.clientWidth,
    ]);
    assert.ok(content <= width, `${name}: ${content} pixels in ${width}`);
  }
  await calm(opened);
});

/** Presses Tab until the element with this test id (or href) has the focus. */
async function tabTo(page, name) {
  for (let presses = 0; presses < 60; presses += 1) {
    await page.keyboard.press('Tab');
    const found = await page.evaluate((name) => {
      const element = document.activeElement;
      return element?.dataset.testid === name || element?.getAttribute('href') === name;
    }, name);
    if (found) return;
  }
  assert.fail(`the keyboard does not reach ${name}`);
}

test('everything works with the keyboard alone', async () => {
  const opened = await open(site);
  const { page, id } = opened;
  await loaded(opened);
  await page.keyboard.press('Tab');
  assert.equal(await page.evaluate(() => document.activeElement.textContent), 'Skip to the content');
  await page.keyboard.press('Enter');
  assert.equal(await page.evaluate(() => document.activeElement.id), 'main');
  await tabTo(page, 'task-select');
  await page.keyboard.press('ArrowDown');
  await tabTo(page, 'ask');
  await page.keyboard.press('Enter');
  await page.locator('[data-column=pretrained] .note', { hasText: 'tokens' }).waitFor();

  await page.keyboard.press('Control+Home');
  await page.evaluate(() => document.activeElement.blur());
  await tabTo(page, '#train');
  await page.keyboard.press('Enter');
  await id('train-status').waitFor();
  await tabTo(page, 'train-steps');
  await page.keyboard.press('Control+A');
  await page.keyboard.type('12');
  await tabTo(page, 'train-start');
  await page.keyboard.press('Enter');
  await textIs(id('train-status'), /loading|stage|evaluating/);
  await tabTo(page, 'train-pause');
  await textIs(id('train-status'), /stage/, 120_000);
  await page.keyboard.press('Enter');
  await textIs(id('train-status'), 'paused');
  const focused = await page.evaluate(() => document.activeElement.dataset.testid);
  assert.equal(focused, 'train-pause', 'pausing keeps the focus');
  await tabTo(page, 'train-stop');
  await page.keyboard.press('Enter');
  await textIs(id('train-status'), 'idle');
  await calm(opened);
});

test('a lost worker is survived', async () => {
  const opened = await open(site, { hash: '#train' });
  const { page, id } = opened;
  await startable(opened);
  await id('train-start').click();
  await textIs(id('train-status'), /stage|evaluating/, 120_000);
  const workers = page.workers();
  assert.equal(workers.length, 1);
  await workers[0].evaluate(() => {
    setTimeout(() => {
      throw new Error('the worker is gone');
    });
  });
  await textIs(id('error'), /\w+/);
  await page.getByRole('button', { name: 'Restart and continue' }).click();
  await textIs(id('train-status'), /stage|evaluating/, 120_000);
  await id('train-stop').click();
  await textIs(id('train-status'), 'idle');
  await opened.context.close();
});
