// The same on WebGPU, with Chromium's software adapter: slow, so the run is as small as a run can be.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { TINY, calm, encoded, open, start, textIs } from './page.mjs';

// A software adapter tunes its kernels for minutes before the first step.
const skip = process.env.PROMOT_SLOW_TESTS === '1' ? false : 'skipped: slow; PROMOT_SLOW_TESTS=1 runs it';

let site;
before(async () => {
  site = skip ? null : await start({ webgpu: true });
});
after(() => site?.close());

const SMALLEST = {
  ...TINY,
  methods: ['promot'],
  target: { ...TINY.target, validation_limit: 1, test_limit: 1 },
  prompt_tuning: { ...TINY.prompt_tuning, steps: 2 },
  fine_tuning: { ...TINY.fine_tuning, steps: 2 },
  eval: { ...TINY.eval, limit: 1, curve_every: 0 },
};

test('both stages run on WebGPU to the end', { timeout: 1_200_000, skip }, async () => {
  const opened = await open(site, { query: `device=webgpu&spec=${encoded(SMALLEST)}`, hash: '#train' });
  const { page, id } = opened;
  await page.locator('[data-testid=train-start]:not([aria-disabled])').waitFor({ timeout: 300_000 });
  assert.match(await id('device').textContent(), /webgpu/i);
  await id('train-start').click();
  await textIs(id('train-status'), /done|failed/, 900_000);
  assert.equal((await id('train-status').textContent()).trim(), 'done');
  assert.equal(await id('results-table').locator('tbody tr').count(), 1);
  await calm(opened);
});
