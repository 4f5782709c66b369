// Training on the CPU: to the end, with a pause; stopped, left and continued; what comes out of it.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { TINY, calm, encoded, fact, open, put, reached, start, startable, step, textIs } from './page.mjs';

const MINUTES = 60_000;

let site;
before(async () => {
  site = await start();
});
after(() => site.close());

async function training(spec, options) {
  const query = `device=cpu&spec=${encoded(spec)}`;
  const opened = await open(site, { query, hash: '#train', ...options });
  await startable(opened);
  return opened;
}

/** The file with this kind of name that a button saves; it may save others beside it. */
async function saved(opened, button, name) {
  const wanted = (download) => name.test(download.suggestedFilename());
  const [download] = await Promise.all([opened.page.waitForEvent('download', wanted), button.click()]);
  return { name: download.suggestedFilename(), bytes: await readFile(await download.path()) };
}

/** The files of a zip whose files are stored as they are. */
function unzipped(bytes) {
  const files = {};
  for (let at = 0; bytes.readUInt32LE(at) === 0x04034b50; ) {
    const [size, name, extra] = [bytes.readUInt32LE(at + 22), bytes.readUInt16LE(at + 26), bytes.readUInt16LE(at + 28)];
    const start = at + 30 + name + extra;
    files[bytes.toString('utf8', at + 30, at + 30 + name)] = bytes.subarray(start, start + size);
    at = start + size;
  }
  return files;
}

/** A saved page shows the run by itself: nothing is fetched, and nothing runs. */
async function alone(opened, html) {
  const page = await opened.context.newPage();
  const asked = [];
  page.on('request', (request) => asked.push(request.url()));
  await page.setContent(html);
  assert.match(await page.title(), /tiny on rte-mini/);
  assert.deepEqual(await page.locator('tbody tr[data-method]').count(), 3);
  assert.ok((await page.locator('figure svg').count()) >= 2, 'the curves are missing');
  for (const text of ['[[stage]]', 'triviaqa-mini', 'SHA-256']) {
    assert.ok((await page.textContent('body')).includes(text), `${text} is missing`);
  }
  assert.equal(await page.locator('script').count(), 0);
  await page.setViewportSize({ width: 390, height: 800 });
  assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), 'wider than a phone');
  assert.deepEqual(asked, []);
  await page.close();
}

/** A spec long enough that there is time to press buttons while it runs. */
const LONGER = {
  ...TINY,
  methods: ['fine-tuning'],
  fine_tuning: { ...TINY.fine_tuning, steps: 60, batch: 4, checkpoint_every: 5 },
  eval: { ...TINY.eval, curve_every: 0 },
};

test('a tiny run goes through both stages to the end', async () => {
  const opened = await training(TINY);
  const { page, id } = opened;
  assert.equal((await id('train-status').textContent()).trim(), 'idle');
  await page.evaluate(() => {
    window.statuses = [];
    const status = document.querySelector('[data-testid=train-status]');
    const note = () => window.statuses.push(status.textContent.trim());
    new MutationObserver(note).observe(status, { childList: true, characterData: true, subtree: true });
  });
  await id('train-start').click();
  await textIs(id('train-status'), 'done', 5 * MINUTES);
  const statuses = await page.evaluate(() => window.statuses);
  for (const status of ['stage 1', 'stage 2', 'evaluating', 'done']) {
    assert.ok(statuses.includes(status), `${status} is not among ${statuses}`);
  }
  assert.equal(await id('results-table').locator('tbody tr').count(), 3);
  // Attached, not visible: a line that stays at 0 has no height, and counts as hidden.
  for (const chart of ['loss-chart', 'format-chart']) {
    await id(chart).locator('svg path.series').first().waitFor({ state: 'attached' });
  }

  const report = await saved(opened, id('export-report'), /\.json$/);
  const parsed = JSON.parse(report.bytes.toString());
  assert.equal(parsed.version, 2);
  assert.deepEqual(parsed.runs.map((run) => run.method), TINY.methods);

  const copy = await saved(opened, id('export-page'), /\.html$/);
  await alone(opened, copy.bytes.toString());

  const weights = unzipped((await saved(opened, id('export-weights'), /^promot\.zip$/)).bytes);
  const folder = ['config.json', 'model.safetensors', 'tokenizer.json', 'tokenizer_config.json'];
  const prompt = ['prompt/adapter_config.json', 'prompt/adapter_model.safetensors'];
  const expected = [...folder, ...prompt].map((name) => `promot/${name}`);
  assert.deepEqual(Object.keys(weights).sort(), expected.sort());
  const tensors = weights['promot/model.safetensors'];
  const header = Number(tensors.readBigUInt64LE(0));
  const names = Object.keys(JSON.parse(tensors.subarray(8, 8 + header).toString()));
  assert.ok(names.some((name) => name.startsWith('encoder.')), names);
  assert.equal(JSON.parse(weights['promot/config.json']).model_type, 't5');
  assert.equal(JSON.parse(weights['promot/prompt/adapter_config.json']).num_virtual_tokens, TINY.prompt.length);

  // The models that were trained here can now be asked.
  await page.getByRole('link', { name: 'Compare' }).click();
  await id('ask').click();
  await page.locator('[data-column=promot] .note', { hasText: 'tokens' }).waitFor();
  assert.match(await page.locator('[data-column=promot] .origin').textContent(), /in this tab/);
  await id('prompt-toggle').click();
  await page.locator('[data-column=promot] .note', { hasText: 'tokens' }).waitFor();
  await calm(opened);
});

test('pause, one step, resume, stop', async () => {
  const opened = await training(LONGER);
  const { id } = opened;
  await id('train-start').click();
  await textIs(id('train-status'), 'stage 1', 2 * MINUTES);
  await id('train-progress').waitFor();
  await id('train-pause').click();
  await textIs(id('train-status'), 'paused');
  // After a single step the page shows exactly where the run is, whatever it showed while it ran.
  const shown = await step(opened);
  await id('train-step').click();
  await reached(opened, shown + 1, MINUTES);
  await textIs(id('train-status'), 'paused');
  const paused = await step(opened);
  for (const next of [paused + 1, paused + 2]) {
    await id('train-step').click();
    await reached(opened, next, MINUTES);
    await textIs(id('train-status'), 'paused');
    assert.equal(await step(opened), next, 'it went on while paused');
  }
  await id('train-resume').click();
  await textIs(id('train-status'), /stage 1|evaluating/);
  await id('train-stop').click();
  await textIs(id('train-status'), 'idle');
  await id('saved-run').waitFor();
  await calm(opened);
});

test('a run that was left goes on after a reload, or is dropped', async () => {
  const opened = await training(LONGER);
  const { page, id } = opened;
  await id('train-start').click();
  await reached(opened, 13, 3 * MINUTES);
  await page.reload();
  await startable(opened);
  assert.match(await id('saved-run').textContent(), /fine-tuning, stage 1, step \d+ of 60/);
  await id('saved-continue').click();
  await id('train-progress').waitFor({ timeout: MINUTES });
  const at = await step(opened);
  assert.ok(at > 5, `it began again at step ${at}`);
  await id('train-stop').click();
  await textIs(id('train-status'), 'idle');
  await id('saved-discard').click();
  await id('confirm-yes').click();
  await id('saved-run').waitFor({ state: 'detached' });
  await page.reload();
  await startable(opened);
  assert.equal(await id('saved-run').count(), 0, 'a dropped run came back');
  await calm(opened);
});

test('a second tab leaves the first one\'s run alone, and says that its own is not kept', async () => {
  const opened = await training(LONGER);
  const { page, id } = opened;
  await id('train-start').click();
  await id('train-progress').waitFor({ timeout: 2 * MINUTES });
  await id('train-pause').click();
  await textIs(id('train-status'), 'paused');
  const other = await opened.context.newPage();
  await other.goto(page.url());
  await startable({ page: other });
  assert.equal(await other.getByTestId('saved-run').count(), 0, 'another tab\'s run is offered');
  await other.getByTestId('train-start').click();
  await textIs(other.getByTestId('error'), /Another tab has this page open/, 2 * MINUTES);
  await other.getByTestId('train-progress').waitFor({ timeout: 2 * MINUTES });
  await other.close();
  await page.reload();
  await startable(opened);
  assert.match(await id('saved-run').textContent(), /fine-tuning, stage 1, step \d+ of 60/);
  await calm(opened);
});

test('memory does not grow: after 150 steps it is what it was after 50', async () => {
  const stage = { ...LONGER.fine_tuning, steps: 150, batch: 2, checkpoint_every: 1000 };
  const opened = await training({ ...LONGER, fine_tuning: stage });
  const { id } = opened;
  // What the page shows is the size of the worker's heap; a copy of the weights in every step would double it.
  const megabytes = async () => Number((await fact(opened, 'Memory')).match(/^([\d.]+) MB$/)[1]);
  await id('train-start').click();
  await reached(opened, 50, 5 * MINUTES);
  const early = await megabytes();
  await textIs(id('train-progress'), /step 150 of 150/, 10 * MINUTES);
  const late = await megabytes();
  console.log(`${early} MB after 50 steps, ${late} MB after 150`);
  assert.ok(early > 10 && late <= 1.1 * early, `${early} MB after 50 steps, ${late} MB after 150`);
  await calm(opened);
});

test('a setting that makes no sense is refused with its name', async () => {
  const nonsense = {
    'stage.fine-tuning.learning_rate': { fine_tuning: { ...TINY.fine_tuning, learning_rate: -1 } },
    'target.also': { target: { ...TINY.target, also: ['wic-mini'] } },
  };
  for (const [name, setting] of Object.entries(nonsense)) {
    const opened = await training({ ...TINY, ...setting });
    await opened.id('train-start').click();
    await textIs(opened.id('error'), new RegExp(name.replace('.', '\\.')));
    assert.equal((await opened.id('train-status').textContent()).trim(), 'idle');
    await calm(opened);
  }
});

test('the text of all settings and the fields are the same spec', async () => {
  const opened = await training(TINY);
  const { page, id } = opened;
  await page.getByText('All settings', { exact: true }).click();
  await put(id('train-steps'), '9');
  assert.match(await id('train-spec').inputValue(), /method = "fine-tuning"\n[^[]*steps = 9\n/);
  const text = await id('train-spec').inputValue();
  await put(id('train-spec'), text.replace('length = 4', 'length = 5'));
  assert.equal(await id('train-prompt-length').inputValue(), '5');

  // Both name what the form says, and the link opens it again.
  assert.match(await id('train-command').inputValue(), /^promot run --spec - <<'END'\n[^]*\nsteps = 9\n[^]*END$/);
  const link = await id('train-link').inputValue();
  const other = await opened.context.newPage();
  await other.goto(link.replace('?', '?device=cpu&'));
  await other.locator('[data-testid=train-start]:not([aria-disabled])').waitFor({ timeout: 60_000 });
  assert.equal(await other.getByTestId('train-steps').inputValue(), '9');
  assert.equal(await other.getByTestId('train-prompt-length').inputValue(), '5');
  assert.equal(await other.getByTestId('train-status').textContent(), 'idle');
  await other.close();

  await put(id('train-spec'), text.replace('length = 4', 'lenght = 4'));
  await textIs(page.locator('#spec-problem'), /lenght.*length/);
  await startable(opened);
  await calm(opened);
});

