// One browser and one server for a file of tests, and a page that writes down what must never happen: an error in the
// console, a request to another origin, a main thread that was blocked for more than 50 ms.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { chromium } from 'playwright-core';
import { serve } from './serve.mjs';

const DIST = process.env.PROMOT_DIST ?? new URL('../../dist', import.meta.url).pathname;
const CHROMIUM = process.env.PROMOT_CHROMIUM ?? '/usr/bin/chromium';

const FLAGS = [
  '--no-sandbox',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
/** WebGPU without a graphics card: Chromium's own software adapter. */
const WEBGPU = ['--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader'];

/** Longest time that the main thread may be blocked, in milliseconds. */
export const LONGEST_TASK = 50;

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

/** Starts server and browser. */
export async function start({ webgpu = false } = {}) {
  assert.ok(existsSync(`${DIST}/index.html`), `the page is not built: ${DIST}/index.html is missing`);
  const server = await serve(DIST);
  const browser = await chromium.launch({
    executablePath: CHROMIUM,
    args: webgpu ? [...FLAGS, ...WEBGPU] : FLAGS,
  });
  return {
    address: server.address,
    browser,
    async close() {
      await browser.close();
      await server.close();
    },
  };
}

/** Opens the page in a fresh profile. `query` and `hash` go into the address; `recorded` takes the place of the
 * recorded results that are shipped. */
export async function open(site, { query = 'device=cpu', hash = '', recorded, ...options } = {}) {
  const context = await site.browser.newContext({ acceptDownloads: true, ...options });
  if (recorded) {
    await context.route('**/recorded/index.json', (route) => route.fulfill({ json: ['rte-mini'] }));
    await context.route('**/recorded/rte-mini/report.json', (route) => route.fulfill({ json: recorded }));
  }
  const page = await context.newPage();
  const devtools = await context.newCDPSession(page);
  await devtools.send('Performance.enable');
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
  await page.addInitScript(() => {
    window.longTasks = [];
    const note = (list) => {
      for (const entry of list.getEntries()) {
        window.longTasks.push({ at: Math.round(entry.startTime), ms: Math.round(entry.duration) });
      }
    };
    new PerformanceObserver(note).observe({ type: 'longtask', buffered: true });
  });
  await page.goto(`${site.address}?${query}${hash}`);
  return { page, context, devtools, seen, id: (name) => page.getByTestId(name) };
}

/** What holds after every test, whatever it did. */
export async function calm(opened) {
  assert.deepEqual(opened.seen.console, [], 'errors in the console');
  assert.deepEqual(opened.seen.foreign, [], 'requests to another origin');
  await opened.context.close();
}

/**
 * The tasks so far that held up the main thread for too long. On a machine that has other things to do as well, every
 * task takes longer by the clock than it computes, so that durations are divided by how much longer all tasks together
 * took than they computed; on an idle machine that is 1.
 */
export async function longTasks({ page, devtools }) {
  const tasks = await page.evaluate(() => window.longTasks);
  const { metrics } = await devtools.send('Performance.getMetrics');
  const metric = (name) => metrics.find((metric) => metric.name === name).value;
  const stretch = Math.max(1, metric('TaskDuration') / metric('ThreadTime'));
  const own = ({ at, ms }) => ({ at, ms: Math.round(ms / stretch), clock: ms });
  return tasks.map(own).filter((task) => task.ms > LONGEST_TASK);
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
  await textIs(opened.id('ask'), 'Ask all three', timeout);
}
