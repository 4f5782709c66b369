// Nothing false: what stands under a model's name is its own answer to the text that is shown, what a field shows is what
// is used, and what fails says so.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { TINY, calm, encoded, loaded, open, put, start, startable, textIs } from './page.mjs';
import { RECORDED } from './recorded.mjs';

const MINUTES = 60_000;
const COLUMNS = ['pretrained', 'fine-tuning', 'promot'];

let site;
before(async () => {
  site = await start();
});
after(() => site.close());

const question = ({ page }) => page.locator('#question');
const marks = ({ page }, column) => page.locator(`[data-column=${column}] .marks`);

/** Until every column has a live answer of its own. */
async function answered(opened) {
  for (const column of COLUMNS) await marks(opened, column).locator('.note', { hasText: 'tokens' }).waitFor();
}

test('a run of one\'s own takes the recorded answers away, and says that the columns are not alike', async () => {
  const spec = { ...TINY, methods: ['fine-tuning'], fine_tuning: { ...TINY.fine_tuning, steps: 2 } };
  const query = `device=cpu&spec=${encoded(spec)}`;
  const opened = await open(site, { query, hash: '#train', recorded: RECORDED });
  const { page, id } = opened;
  await startable(opened);
  await id('train-start').click();
  await textIs(id('train-status'), 'done', 5 * MINUTES);
  await page.getByRole('link', { name: 'Compare' }).click();
  await answered(opened);
  assert.equal(await page.getByText('precomputed', { exact: true }).and(page.locator('.note')).count(), 0);
  await textIs(id('unlike'), /not trained alike.*Fine-tuning on rte-mini \(2 steps.*in this tab.*ProMoT on rte-mini/);

  // The same question again is asked, not read from the recordings.
  await id('task-select').selectOption('wmt_ende-mini');
  await answered(opened);
  await id('task-select').selectOption('triviaqa-mini');
  await answered(opened);

  // Deleted, the run leaves the page's own models.
  await page.getByRole('link', { name: 'Train', exact: true }).click();
  await id('run-discard').click();
  await id('confirm-yes').click();
  await id('run-discard').waitFor({ state: 'detached' });
  await page.getByRole('link', { name: 'Compare' }).click();
  await textIs(page.locator('[data-column=fine-tuning] .origin'), /comes with the page/);
  assert.equal(await id('unlike').count(), 0);
  await calm(opened);
});

test('an edited question has no answers until it is asked', async () => {
  const opened = await open(site, { recorded: RECORDED });
  const { id } = opened;
  await loaded(opened);
  await textIs(id('answer-promot'), 'stamps');
  await question(opened).fill('Q: What does Otto mend? A:');
  for (const column of COLUMNS) await textIs(id(`answer-${column}`), /Press/);
  await id('ask').click();
  await answered(opened);
  await calm(opened);
});

test('the switch of the soft prompt works on recorded answers, and stays for the next example', async () => {
  const opened = await open(site, { recorded: RECORDED });
  const { id } = opened;
  await loaded(opened);
  await textIs(id('answer-promot'), 'stamps');
  await id('prompt-toggle').click();
  await answered(opened);
  await id('another-example').click();
  await answered(opened);
  assert.ok(await id('prompt-toggle').isChecked());
  await calm(opened);
});

test('a task whose question is still to come shows nothing of the one before', async () => {
  let release;
  const held = new Promise((done) => {
    release = done;
  });
  const prepare = (page) => page.context().route('**/promot-worker_bg.wasm', async (route) => {
    await held;
    await route.continue();
  });
  const opened = await open(site, { recorded: RECORDED, prepare });
  const { page, id } = opened;
  await textIs(id('answer-promot'), 'stamps');
  await id('task-select').selectOption('wmt_ende-mini');
  await page.waitForFunction(() => document.querySelector('#question').value === '');
  assert.equal(await id('reference').count(), 0);
  for (const column of COLUMNS) assert.equal(await marks(opened, column).locator('li').count(), 0);
  release();
  await page.waitForFunction(() => /German/.test(document.querySelector('#question').value), null, { timeout: MINUTES });
  await answered(opened);
  await calm(opened);
});

test('over plain http the models work, and a run is said not to be kept', async () => {
  const address = site.address.replace('127.0.0.1', 'class.lan');
  const lan = { ...site, address };
  const query = `device=cpu&spec=${encoded({ ...TINY, methods: ['fine-tuning'] })}`;
  const opened = await open(lan, { query });
  const { page, id } = opened;
  assert.equal(await page.evaluate(() => isSecureContext), false);
  await loaded(opened);
  await question(opened).fill('Q: Where is the mill? A:');
  await id('ask').click();
  await answered(opened);
  await page.getByRole('link', { name: 'Train', exact: true }).click();
  await id('train-start').click();
  await textIs(id('error'), /keeps no files.*plain http/);
  await textIs(id('train-status'), 'done', 5 * MINUTES);
  await calm(opened);
});

test('a question that is too long is refused with both numbers, and the next one is answered', async () => {
  const opened = await open(site);
  const { id } = opened;
  await loaded(opened);
  await question(opened).fill('The dog sleeps. '.repeat(6000));
  await id('ask').click();
  await textIs(id('ask-refused'), /\d{4,} tokens.*at most 1024/);
  assert.equal(await id('error').count(), 0);
  await question(opened).fill('Q: Where is the mill? A:');
  await textIs(id('ask-refused'), '');
  await id('ask').click();
  await answered(opened);
  await calm(opened);
});

test('the worker\'s code that does not arrive is said, and a restart helps', async () => {
  let blocked = true;
  const prepare = (page) => page.context().route('**/promot-worker_bg.wasm', (route) => (blocked ? route.abort() : route.continue()));
  const opened = await open(site, { prepare });
  const { page, id } = opened;
  await textIs(id('error'), /engine could not be loaded/);
  assert.ok(await id('ask').isDisabled());
  assert.equal(await page.getByRole('button', { name: 'Dismiss' }).count(), 0, 'a dead page cannot be dismissed');
  blocked = false;
  await page.getByRole('button', { name: 'Restart and continue' }).click();
  await loaded(opened);
  await opened.context.close();
});

/** What the shell says where the page's own code does not come. */
async function shellSays(prepare, words, address = site.address) {
  const context = await site.browser.newContext();
  const page = await context.newPage();
  await prepare(page);
  await page.goto(address);
  await textIs(page.locator('#shell [role=status]'), words);
  await context.close();
}

test('the page\'s code that does not arrive is said', async () => {
  await shellSays((page) => page.route(/promot-page.*_bg\.wasm/, (route) => route.abort()), /could not be loaded/);
  await shellSays((page) => page.route(/promot-page[^_]*\.js/, (route) => route.abort()), /could not be loaded/);
});

test('a policy, a file and a sandbox that keep the page from starting are named', async () => {
  const policy = async (route) => {
    const response = await route.fetch();
    const headers = { ...response.headers(), 'content-security-policy': 'script-src \'self\'' };
    await route.fulfill({ response, headers });
  };
  await shellSays((page) => page.route(site.address, policy), /content security policy \(script-src/);
  const folder = process.env.PROMOT_DIST ?? new URL('../../dist', import.meta.url).pathname;
  await shellSays(() => {}, /from a file/, `file://${folder}/index.html`);
  const context = await site.browser.newContext();
  const page = await context.newPage();
  await page.route('**/frame.html', (route) =>
    route.fulfill({ contentType: 'text/html', body: '<iframe sandbox="allow-scripts" src="./"></iframe>' }));
  await page.goto(`${site.address}frame.html`);
  await textIs(page.frameLocator('iframe').locator('#shell [role=status]'), /allow-same-origin/);
  await context.close();
});

test('blocked cookies leave the quick settings and a page that starts', async () => {
  const prepare = (page) => page.addInitScript(() => {
    Object.defineProperty(window, 'localStorage', {
      get() {
        throw new DOMException('Access is denied for this document.', 'SecurityError');
      },
    });
  });
  const opened = await open(site, { hash: '#train', prepare });
  await startable(opened);
  assert.equal(await opened.id('train-preset').inputValue(), 'quick');
  await opened.id('train-start').click();
  await textIs(opened.id('train-status'), /loading|stage|evaluating/);
  await calm(opened);
});

test('what a field shows is what is used, or it is marked and holds the start', async () => {
  const opened = await open(site, { query: `device=cpu&spec=${encoded(TINY)}`, hash: '#train' });
  const { page, id } = opened;
  await startable(opened);
  for (const wrong of ['-5', '', '1e300']) {
    await put(id('train-steps'), wrong);
    assert.equal(await id('train-steps').getAttribute('aria-invalid'), 'true', wrong);
    await textIs(page.locator('#problem-train-steps'), /whole number from 1 to 1000000/);
    await id('train-start').click();
    await textIs(id('error'), /Fine-tuning steps/);
    assert.equal(await page.evaluate(() => document.activeElement.dataset.testid), 'train-steps');
    assert.equal((await id('train-status').textContent()).trim(), 'idle');
  }
  await put(id('train-steps'), '007');
  assert.equal(await id('train-steps').inputValue(), '7');
  assert.equal(await id('train-steps').getAttribute('aria-invalid'), null);
  await put(id('train-prompt-length'), '0');
  assert.equal(await id('train-prompt-length').getAttribute('aria-invalid'), 'true');
  await put(id('train-prompt-length'), '4');

  await page.getByText('All settings', { exact: true }).click();
  await put(id('train-spec'), (await id('train-spec').inputValue()).replace('length = 4', 'lenght = 4'));
  await textIs(page.locator('#spec-problem'), /lenght/);
  await id('train-start').click();
  await textIs(id('error'), /All settings: .*lenght/);
  assert.equal((await id('train-status').textContent()).trim(), 'idle');
  await put(id('train-steps'), '8');
  await textIs(page.locator('#spec-problem'), '');

  await page.getByRole('link', { name: 'Compare' }).click();
  for (const [text, used] of [['-3', '0'], ['1.5', '2'], ['9', '4'], ['', '4']]) {
    await put(id('shots-input'), text);
    assert.equal(await id('shots-input').inputValue(), used, text);
  }
  await calm(opened);
});

test('a spec for another model is refused', async () => {
  const opened = await open(site, { query: `device=cpu&spec=${encoded({ ...TINY, model: 'gpt5' })}`, hash: '#train' });
  await startable(opened);
  await opened.id('train-start').click();
  await textIs(opened.id('error'), /model of the spec: expected mini.*gpt5/);
  await calm(opened);
});

test('a saved run is deleted only once that is confirmed, and a stopped one is resumed by its button', async () => {
  const stage = { ...TINY.fine_tuning, steps: 60, batch: 4, checkpoint_every: 5 };
  const spec = { ...TINY, methods: ['fine-tuning'], fine_tuning: stage, eval: { ...TINY.eval, curve_every: 0 } };
  const opened = await open(site, { query: `device=cpu&spec=${encoded(spec)}`, hash: '#train' });
  const { id } = opened;
  await startable(opened);
  await id('train-start').click();
  await id('train-progress').waitFor({ timeout: 2 * MINUTES });
  await id('train-stop').click();
  await textIs(id('saved-run'), /was stopped/);
  for (const button of ['saved-discard', 'train-start']) {
    await id(button).click();
    await id('confirm-no').click();
    await id('saved-run').waitFor();
  }
  await id('train-resume').click();
  await textIs(id('train-status'), /stage 1|evaluating/, MINUTES);
  await id('train-stop').click();
  await id('saved-run').waitFor();
  await id('train-start').click();
  await id('confirm-yes').click();
  await textIs(id('train-status'), /loading|stage|evaluating/);
  await calm(opened);
});

test('a device that hangs can be given up', async () => {
  const hang = 'const never = () => new Promise(() => {}); Object.defineProperty(navigator, "gpu", { value: { requestAdapter: never } });\n';
  const prepare = (page) => page.context().route('**/worker.js', async (route) => {
    const response = await route.fetch();
    await route.fulfill({ response, body: hang + (await response.text()) });
  });
  const opened = await open(site, { query: 'device=webgpu', prepare });
  const { id } = opened;
  assert.doesNotMatch(await textIs(id('loading'), /device/), /loading loading/);
  await id('use-cpu').click();
  await textIs(id('device'), /cpu/i);
  await textIs(id('device-reason'), /WebGPU took too long/);
  await loaded(opened);
  await calm(opened);
});

test('True where a question of one\'s own asks for it is no drift', async () => {
  const opened = await open(site);
  await loaded(opened);
  await question(opened).fill('Is the sky blue? True or False?');
  await opened.id('ask').click();
  await answered(opened);
  assert.equal(await opened.page.locator('.mark.drift').count(), 0);
  await calm(opened);
});

test('the paper\'s claims and the frontier are shown for what is recorded', async () => {
  const opened = await open(site);
  const { page, id } = opened;
  await id('signs-table').first().waitFor();
  const verdicts = await id('signs-table').first().locator('.verdict').allTextContents();
  const order = ['disagrees', 'not resolved', 'agrees'];
  assert.ok(verdicts.length > 0);
  assert.deepEqual(verdicts, verdicts.toSorted((one, other) => order.indexOf(one) - order.indexOf(other)));
  assert.ok(await id('frontier-chart').first().locator('svg path.series').count() > 0);
  assert.match(await page.locator('.stages svg').getAttribute('role'), /img/);
  await calm(opened);
});
