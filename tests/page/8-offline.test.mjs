// Without the server: what the service worker keeps, and what it must not keep.
import assert from 'node:assert/strict';
import { cp, mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { DIST, TINY, calm, encoded, loaded, open, start, startable, textIs } from './page.mjs';

/** A copy of the page in a folder below a server's root. */
async function copy() {
  const root = await mkdtemp(join(tmpdir(), 'promot-offline-'));
  await cp(DIST, join(root, 'a', 'lab'), { recursive: true });
  return { root, page: join(root, 'a', 'lab') };
}

/** A page whose service worker is let in. */
const visit = (site, options) =>
  open({ ...site, address: `${site.address}a/lab/` }, { serviceWorkers: 'allow', ...options });

const kept = (page, timeout = 120_000) =>
  page.waitForFunction(() => document.documentElement.dataset.offline === 'ready', null, { timeout });

const keys = (page) =>
  page.evaluate(async () => {
    const names = await caches.keys();
    const lists = await Promise.all(names.map(async (name) => (await caches.open(name)).keys()));
    return lists.flat().map(({ url }) => url);
  });

test('after one visit everything works without the server, in a folder of it', { skip: !existsSync(DIST) }, async () => {
  const { root } = await copy();
  const site = await start({ folder: root });
  const first = await visit(site);
  await kept(first.page);
  assert.ok(await first.id('kept-offline').isVisible());
  await first.page.close();
  await site.stop();

  const query = `device=cpu&spec=${encoded(TINY)}`;
  const opened = await visit(site, { context: first.context, query });
  const { page, id } = opened;
  await loaded(opened);
  await id('ask').click();
  await page.locator('[data-column=promot] .marks', { hasNotText: 'precomputed' }).first().waitFor({ timeout: 60_000 });
  await page.locator('[data-testid^=recorded-rte-mini-] summary').first().click();
  await id('recorded-more').locator('tr[data-method=promot]').first().waitFor();
  await page.goto(`${page.url().split('#')[0]}#train`);
  await startable(opened);
  await id('train-start').click();
  await textIs(id('train-status'), 'done', 300_000);
  const download = page.waitForEvent('download');
  await id('export-report').click();
  assert.match((await download).suggestedFilename(), /\.json$/);
  await calm(opened);
  await site.browser.close();
  await rm(root, { recursive: true });
});

test('a file that was cut off is never kept, and the next visit goes on', async () => {
  const { root, page: folder } = await copy();
  const model = join(folder, 'models/mini/model.safetensors');
  const whole = await readFile(model);
  await truncate(model, 1000);
  const site = await start({ folder: root });
  const first = await visit(site, { query: 'device=cpu' });
  const registered = () => first.page.evaluate(async () => !!(await navigator.serviceWorker.getRegistration()));
  while ((await keys(first.page)).length === 0 || (await registered())) {
    await first.page.waitForTimeout(200);
  }
  const before = await keys(first.page);
  assert.ok(!(await first.id('kept-offline').isVisible()), 'a page that is not whole is not called kept');
  await writeFile(model, whole);
  await first.page.close();

  const opened = await visit(site, { context: first.context });
  await kept(opened.page);
  const files = JSON.parse((await readFile(join(folder, 'service-worker.js'), 'utf8')).match(/= (\{[^;]*\});/)[1]);
  const after = await keys(opened.page);
  assert.ok(before.every((key) => after.includes(key)));
  assert.equal(after.length, new Set(Object.values(files)).size);
  await calm(opened);
  await site.close();
  await rm(root, { recursive: true });
});

test('a newer version is offered, and the older one is gone after it', async () => {
  const { root, page: folder } = await copy();
  const site = await start({ folder: root });
  const first = await visit(site);
  await kept(first.page);
  const list = await readFile(join(folder, 'service-worker.js'), 'utf8');
  // Another index file is enough: `recorded/index.json` with its new hash.
  const changed = '[{"name": "rte-mini", "model": "mini", "task": "rte-mini", "weights": ["fine-tuning", "promot"]}]\n';
  await writeFile(join(folder, 'recorded/index.json'), changed);
  const hash = await first.page.evaluate(async (text) => {
    const bytes = new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text)));
    return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
  }, changed);
  const old = list.match(/"recorded\/index.json": "([0-9a-f]{64})"/)[1];
  await writeFile(join(folder, 'service-worker.js'), list.replace(old, hash));

  // The first page was loaded before anything was kept; this one is served by the older version.
  await first.page.close();
  const opened = await visit(site, { context: first.context });
  const { page, id } = opened;
  await id('recorded-wmt_enfr-mini').waitFor();
  await id('new-version').waitFor({ timeout: 120_000 });
  await Promise.all([page.waitForEvent('load'), id('new-version').locator('button').click()]);
  await id('recorded-table').waitFor();
  assert.equal(await id('recorded-wmt_enfr-mini').count(), 0);
  const after = await keys(page);
  assert.ok(after.some((key) => key.includes(hash)) && !after.some((key) => key.includes(old)));
  await calm(opened);
  await site.close();
  await rm(root, { recursive: true });
});

test('the page forbids itself every script that is not its own', async () => {
  const site = await start();
  const opened = await open(site);
  await loaded(opened);
  const policy = await opened.page.locator('meta[http-equiv=Content-Security-Policy]').getAttribute('content');
  assert.match(policy, /script-src 'self' 'wasm-unsafe-eval';/);
  assert.doesNotMatch(policy, /'unsafe-inline'|'unsafe-eval'|\*/);
  const ran = await opened.page.evaluate(() => {
    const script = document.createElement('script');
    script.textContent = 'window.injected = true';
    document.head.append(script);
    return window.injected ?? false;
  });
  assert.equal(ran, false);
  opened.seen.console = opened.seen.console.filter((text) => !/Content Security Policy/.test(text));
  await calm(opened);
  await site.close();
});
