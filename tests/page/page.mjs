// One browser and one server for a file of tests, and a page that writes down what must never happen: an error in the
// console, a request to another origin. Tests wait for what the page shows, never for the clock: how long things take is
// measured by `cargo xtask bench-page` (tests/bench/page).
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { chromium } from 'playwright-core';
import * as firefox from './firefox.mjs';
import { serve } from './serve.mjs';

export const DIST = process.env.PROMOT_DIST ?? new URL('../../dist', import.meta.url).pathname;
const CHROMIUM = process.env.PROMOT_CHROMIUM ?? '/usr/bin/chromium';
const FIREFOX = process.env.PROMOT_FIREFOX ?? '/usr/bin/firefox-esr';
/** `PROMOT_BROWSER=firefox` runs a file of tests in Firefox. */
const BROWSER = process.env.PROMOT_BROWSER ?? 'chromium';

const FLAGS = [
  '--no-sandbox',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  // A name that is not the machine's own, for plain http as on a local network.
  '--host-resolver-rules=MAP class.lan 127.0.0.1',
];
/** WebGPU without a graphics card: Chromium's own software adapter. */
const WEBGPU = ['--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader'];

/** A run that a slow machine does in seconds. */
export const TINY = {
  name: 'tiny',
  methods: ['pretrained', 'fine-tuning', 'promot'],
  target: { task: 'rte-mini', train_limit: 64, validation_limit: 4, test_limit: 8, max_input: 128 },
  prompt: { length: 4, vocabulary: 100 },
  prompt_tuning: { steps: 4, batch: 2, checkpoint_every: 2 },
  fine_tuning: { steps: 6, batch: 2, checkpoint_every: 2 },
  eval: { tasks: ['triviaqa-mini'], shots: [1], limit: 4, beams: 1, batch: 4, curve_every: 2, curve_limit: 2 },
};

/** `spec` as the page's address takes it. */
export function encoded(spec) {
  return Buffer.from(JSON.stringify(spec)).toString('base64url');
}

/** Starts server and browser; the page lies in `folder`, in the built one if there is none. */
export async function start({ webgpu = false, folder = DIST } = {}) {
  assert.ok(existsSync(`${DIST}/index.html`), `the page is not built: ${DIST}/index.html is missing`);
  const server = await serve(folder);
  const args = webgpu ? [...FLAGS, ...WEBGPU] : FLAGS;
  const browser = BROWSER === 'firefox' ? await firefox.launch(FIREFOX) : await chromium.launch({ executablePath: CHROMIUM, args });
  return {
    address: server.address,
    browser,
    stop: server.close,
    async close() {
      await browser.close();
      await server.close();
    },
  };
}

/**
 * Says why a test cannot run here, in a line that `cargo xtask test` collects; fails where `PROMOT_REQUIRE` names the
 * kind (xtask/src/skips.rs).
 */
export function skip(t, kind, reason) {
  const required = (process.env.PROMOT_REQUIRE ?? '').split(',').map((name) => name.trim());
  assert.ok(!required.includes(kind), `${kind} is required: ${reason}`);
  console.log(`skipped: ${kind}: ${reason}`);
  t.skip(reason);
}

/** Opens the page in a fresh profile, or in that of a page that was opened before (`context`). `query` and `hash` go
 * into the address; `recorded` takes the place of the recorded results that are shipped; `prepare` is awaited before
 * the page is loaded. */
export async function open(site, { query = 'device=cpu', hash = '', recorded, prepare, ...options } = {}) {
  // A service worker answers before a test's own routes do: only the tests of it let one in.
  const context =
    options.context ??
    (await site.browser.newContext({ acceptDownloads: true, serviceWorkers: 'block', ...options }));
  if (recorded) {
    const index = ['rte-mini', 'second', 'lost'].map((name) => ({ name, model: 'mini', task: 'rte-mini', weights: [] }));
    index[0].weights = ['fine-tuning', 'promot'];
    await context.route('**/recorded/index.json', (route) => route.fulfill({ json: index }));
    for (const name of ['rte-mini', 'second']) {
      await context.route(`**/recorded/${name}/report.json`, (route) => route.fulfill({ json: recorded }));
    }
    await context.route('**/recorded/lost/report.json', (route) => route.fulfill({ json: { nothing: 'here' } }));
  }
  const page = await context.newPage();
  await prepare?.(page);
  const seen = { console: [], foreign: [] };
  page.on('console', (message) => {
    if (message.type() === 'error') seen.console.push(message.text());
  });
  page.on('pageerror', (error) => seen.console.push(`uncaught: ${error.message}`));
  page.on('request', (request) => {
    const url = request.url();
    if (!url.startsWith(site.address) && !url.startsWith('blob:') && !url.startsWith('data:')) {
      seen.foreign.push(url);
    }
  });
  await page.goto(`${site.address}?${query}${hash}`);
  return { page, context, seen, id: (name) => page.getByTestId(name) };
}

/** What holds after every test, whatever it did. */
export async function calm(opened) {
  assert.deepEqual(opened.seen.console, [], 'errors in the console');
  assert.deepEqual(opened.seen.foreign, [], 'requests to another origin');
  await opened.context.close();
}

/** Waits until an element's text is, or matches, what is expected. */
export async function textIs(locator, expected, timeout = 60_000) {
  const deadline = Date.now() + timeout;
  let text = '';
  while (Date.now() < deadline) {
    text = (await locator.textContent({ timeout })) ?? '';
    if (expected instanceof RegExp ? expected.test(text) : text.trim() === expected) return text.trim();
    await new Promise((done) => setTimeout(done, 100));
  }
  assert.fail(`expected ${expected}, the text stayed "${text.trim()}"`);
}

/** Until the models are there and can be asked. */
export async function loaded(opened, timeout = 60_000) {
  await textIs(opened.id('ask'), 'Ask all models', timeout);
  // Shipped weights that do not fit the bundled model, for one, are told of here and nowhere else.
  assert.deepEqual(await opened.id('error').allTextContents(), [], 'nothing went wrong while loading');
}

/** Fills a field and leaves it. */
export async function put(field, text) {
  if (BROWSER === 'firefox') return firefox.put(field, text);
  await field.fill(text);
  await field.blur();
}

/** Until a run can be started. */
export async function startable({ page }, timeout = 60_000) {
  await page.locator('[data-testid=train-start]:not([aria-disabled])').waitFor({ timeout });
}

/** The training step that the page shows. */
export async function step({ id }) {
  return Number((await id('train-progress').textContent()).match(/step (\d+)/)[1]);
}

/** Until the page shows a step from `least` on. */
export async function reached({ page }, least, timeout) {
  const there = (least) =>
    Number(document.querySelector('[data-testid=train-progress]')?.textContent.match(/step (\d+)/)?.[1]) >= least;
  await page.waitForFunction(there, least, { timeout });
}

/** What the page shows beside the progress under `name`: Speed, Memory. */
export function fact({ page }, name) {
  return page.locator('.facts div', { hasText: name }).locator('dd').textContent();
}
