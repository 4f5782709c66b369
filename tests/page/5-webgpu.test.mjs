// The same on WebGPU, with Chromium's software adapter: slow, so a run is as small as a run can be. The first test tunes
// what the others find tuned.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { TINY, encoded, open, reached, skip, start, startable, step, textIs } from './page.mjs';

const MINUTES = 60_000;

// One profile for all: a software adapter tunes its kernels for minutes on the first visit, and on that one only.
let site, context, lacking;
before(async () => {
  site = await start({ webgpu: true });
  context = await site.browser.newContext();
  const page = await context.newPage();
  await page.goto(`${site.address}?device=cpu`);
  const adapter = await page.evaluate(async () => Boolean(await navigator.gpu?.requestAdapter()));
  lacking = adapter ? undefined : 'this Chromium has no WebGPU adapter';
  await page.close();
});
after(() => site?.close());

const SMALLEST = {
  ...TINY,
  methods: ['promot'],
  target: { ...TINY.target, train_limit: 8, validation_limit: 1, test_limit: 1, max_input: 48 },
  prompt_tuning: { ...TINY.prompt_tuning, steps: 2 },
  fine_tuning: { ...TINY.fine_tuning, steps: 2 },
  // No questions along training: each length of text is other kernels, which a software adapter compiles for seconds.
  eval: { ...TINY.eval, limit: 1, curve_every: 0, watch: [] },
};

async function training(spec) {
  const opened = await open(site, { query: `device=webgpu&spec=${encoded(spec)}`, hash: '#train', context });
  await startable(opened, 5 * MINUTES);
  assert.match(await opened.id('device').textContent(), /webgpu/i);
  return opened;
}

test('both stages run on WebGPU to the end, and its kernels are known on the next visit', { timeout: 30 * MINUTES }, async (t) => {
  if (lacking) return skip(t, 'gpu', lacking);
  const opened = await training(SMALLEST);
  const { page, id } = opened;
  assert.doesNotMatch(await id('device-reason').textContent(), /earlier visit/);
  await id('train-start').click();
  await textIs(id('train-status'), /done|failed/, 15 * MINUTES);
  assert.equal((await id('train-status').textContent()).trim(), 'done');
  assert.equal(await id('results-table').locator('tbody tr').count(), 1);

  // That known kernels are not tuned again is a test of tests/wasm.
  await page.reload();
  await startable(opened, 5 * MINUTES);
  assert.match(await id('device-reason').textContent(), /[1-9]\d* kernels were chosen on an earlier visit/);
  assert.deepEqual(opened.seen, { console: [], foreign: [] });
  await page.close();
});

/** What takes the device away while training. */
const LOSSES = [
  ({ page }) => page.workers()[0].evaluate(() => promotGpuDevice.destroy()),
  // A graphics process that is killed.
  async () => {
    const session = await site.browser.newBrowserCDPSession();
    const { processInfo } = await session.send('SystemInfo.getProcessInfo');
    process.kill(processInfo.find(({ type }) => type === 'GPU').id, 'SIGKILL');
    await session.detach();
  },
];

// One run for both losses: every start compiles its kernels again.
test('a device that is destroyed and a graphics process that is killed are survived', { timeout: 20 * MINUTES }, async (t) => {
  if (lacking) return skip(t, 'gpu', lacking);
  const stage = { ...SMALLEST.fine_tuning, steps: 8, checkpoint_every: 1 };
  const alone = { ...SMALLEST.eval, shots: [] };
  const opened = await training({ ...SMALLEST, methods: ['fine-tuning'], fine_tuning: stage, eval: alone });
  const { page, id } = opened;
  await id('train-start').click();
  // The run of the test before is stored in this profile.
  if (await id('saved-run').count()) await id('confirm-yes').click();
  for (const [at, happens] of LOSSES.entries()) {
    // A checkpoint is written at every step; the second loss comes later in the run than the first.
    await reached(opened, 2 + 3 * at, 15 * MINUTES);
    await happens(opened);
    await textIs(id('error'), /graphics device was lost/, 5 * MINUTES);
    await page.getByRole('button', { name: 'Restart and continue' }).click();
    await page.waitForFunction(() => !document.querySelector('[data-testid=error]'), undefined, { timeout: 5 * MINUTES });
    await textIs(id('train-status'), /stage|evaluating/, 15 * MINUTES);
    assert.match(await id('device').textContent(), /webgpu/i);
    await id('train-progress').waitFor({ timeout: 15 * MINUTES });
    assert.ok((await step(opened)) > 1, 'it began again');
  }
  await textIs(id('train-status'), 'done', 15 * MINUTES);
  assert.equal(await id('results-table').locator('tbody tr').count(), 1);
  assert.deepEqual(opened.seen.foreign, [], 'requests to another origin');
  await page.close();
});
