// How many tokens a second the page trains, beside a model of the same size in TensorFlow.js in the same Chromium:
// the bundled model, AdamW, no dropout; WebAssembly on one thread each, then WebGPU each.
//
//     npm ci && npm run bench [-- cpu|webgpu]
//
// The page must have been built (`cargo xtask dist`). One JSON line a measurement, then the ratios.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { encoded, fact, open, start, startable, textIs } from '../../page/page.mjs';
import { serve } from '../../page/serve.mjs';

const HERE = new URL('.', import.meta.url);
const MINUTES = 60_000;

/** The page's device beside tfjs's back end. A software adapter needs a small batch, or a step takes minutes. */
const RIVALS = [
  { device: 'cpu', backend: 'wasm', batch: 32, steps: 30 },
  { device: 'webgpu', backend: 'webgpu', batch: 4, steps: 12 },
];
const SMOOTHING = 0.1;
const RATE = 1e-4;

/** A run that does nothing but fine-tune; its rows are short texts with a sentence as the answer. */
const spec = ({ batch, steps }) => ({
  name: 'bench',
  methods: ['fine-tuning'],
  target: { task: 'xsum-mini', train_limit: 512, validation_limit: 1, test_limit: 1, max_input: 128 },
  fine_tuning: {
    steps,
    batch,
    learning_rate: RATE,
    dropout: 0,
    label_smoothing: SMOOTHING,
    checkpoint_every: 1000,
    optimizer: { name: 'adam-w', weight_decay: 0 },
  },
  eval: { shots: [], limit: 1, beams: 1, batch: 1, curve_every: 0 },
});

/** Tokens a second as the page shows them (over the last ten steps), and the tokens of a row. */
async function page(site, rival) {
  const query = `device=${rival.device}&spec=${encoded(spec(rival))}`;
  const opened = await open(site, { query, hash: '#train' });
  const { page, id } = opened;
  await startable(opened, 5 * MINUTES);
  assert.match(await id('device').textContent(), new RegExp(rival.device, 'i'));
  // When each step was done, by the page's own display.
  await page.evaluate(() => {
    window.done = {};
    const note = () => {
      const step = document.querySelector('[data-testid=train-progress]')?.textContent.match(/step (\d+)/)?.[1];
      if (step) window.done[step] ??= performance.now();
    };
    new MutationObserver(note).observe(document.body, { childList: true, characterData: true, subtree: true });
  });
  await id('train-start').click();
  await textIs(id('train-status'), 'done', 30 * MINUTES);
  const tokens = Number((await fact(opened, 'Speed')).match(/[\d.]+/)[0]);
  const seconds = await page.evaluate((last) => {
    const steps = Object.keys(window.done).map(Number).filter((step) => step >= last - 10 && step <= last);
    const [from, to] = [Math.min(...steps), Math.max(...steps)];
    return (window.done[to] - window.done[from]) / 1000 / (to - from);
  }, rival.steps);
  await opened.context.close();
  return { tokens_per_second: tokens, step_seconds: seconds, tokens_per_row: (tokens * seconds) / rival.batch };
}

/** The same with as many tokens a row as the page had; nothing is padded here, which is to tfjs's advantage. */
async function tfjs(site, rival, config, row) {
  const page = await site.browser.newPage();
  const server = await serve(HERE.pathname);
  await page.goto(server.address);
  await page.waitForFunction(() => window.measure);
  const target = Math.round(row / 5);
  const wish = {
    backend: rival.backend, config, batch: rival.batch, input: Math.round(row) - target, target, steps: rival.steps,
    smoothing: SMOOTHING, rate: RATE,
  };
  const found = await page.evaluate((wish) => window.measure(wish), wish);
  assert.equal(found.backend, rival.backend);
  assert.ok(found.losses.at(-1) < found.losses[0], `tfjs learns nothing: ${found.losses}`);
  await page.close();
  await server.close();
  const last = found.seconds.slice(-10).sort((one, other) => one - other);
  const seconds = last[Math.floor(last.length / 2)];
  return { tokens_per_second: (rival.batch * (wish.input + target)) / seconds, step_seconds: seconds };
}

const config = JSON.parse(await readFile(new URL('../../../public/models/mini/config.json', HERE)));
const wanted = process.argv.slice(2);
const ratios = [];
for (const rival of RIVALS.filter(({ device }) => wanted.length === 0 || wanted.includes(device))) {
  const site = await start({ webgpu: rival.device === 'webgpu' });
  const tell = (what, measured) => {
    const rounded = Object.entries(measured).map(([name, value]) => [name, Number(value.toPrecision(4))]);
    console.log(JSON.stringify({ what, ...rival, ...Object.fromEntries(rounded) }));
  };
  const ours = await page(site, rival);
  tell('promot', ours);
  const theirs = await tfjs(site, rival, config, ours.tokens_per_row);
  tell('tfjs', theirs);
  const ratio = ours.tokens_per_second / theirs.tokens_per_second;
  ratios.push(`${rival.device}: promot trains ${ratio.toFixed(2)} times as many tokens a second as tfjs (${rival.backend})`);
  await site.close();
}
console.log(ratios.join('\n'));
