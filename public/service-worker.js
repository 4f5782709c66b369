// Keeps the page, its model and its recorded results in the browser, so that they are there without the server.
// `cargo xtask dist` writes FILES above this: the SHA-256 of every file, by its path beside this one. A file is kept under
// its hash and only if its bytes have it, so that one that was cut off, or belongs to another version, never is.
'use strict';

const HOME = self.registration.scope;
const CACHE = `promot ${HOME}`;

const keyOf = (sha256) => new URL(`kept/${sha256}`, HOME).href;

async function sha256Of(bytes) {
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
  return Array.from(hash, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** The file's answer once its bytes are right. The browser's own cache may hold older ones: then the server is asked. */
async function fetched(path, sha256) {
  for (const cache of ['default', 'reload']) {
    const answer = await fetch(new URL(path, HOME), { cache });
    const bytes = await answer.arrayBuffer();
    if (answer.ok && (await sha256Of(bytes)) === sha256) {
      return new Response(bytes, { headers: { 'content-type': answer.headers.get('content-type') ?? '' } });
    }
  }
  throw new Error(`${path}: expected the SHA-256 ${sha256}, found another twice`);
}

/** One after the other, since the page is loading, too. An error ends this, and the next visit goes on from here. */
async function keep() {
  const cache = await caches.open(CACHE);
  for (const [path, sha256] of Object.entries(FILES)) {
    const key = keyOf(sha256);
    if (!(await cache.match(key))) await cache.put(key, await fetched(path, sha256));
  }
}

/** What only another version had. */
async function drop() {
  const cache = await caches.open(CACHE);
  const needed = new Set(Object.values(FILES).map(keyOf));
  for (const { url } of await cache.keys()) if (!needed.has(url)) await cache.delete(url);
}

async function answered(request, sha256) {
  const cache = await caches.open(CACHE);
  // The browser may have thrown it away for want of room.
  return (await cache.match(keyOf(sha256))) ?? fetch(request);
}

addEventListener('install', (event) => event.waitUntil(keep()));
addEventListener('activate', (event) => event.waitUntil(drop()));
addEventListener('message', ({ data }) => data === 'now' && self.skipWaiting());
addEventListener('fetch', (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  const home = new URL(HOME);
  if (request.method !== 'GET' || origin !== home.origin || !pathname.startsWith(home.pathname)) return;
  const path = decodeURIComponent(pathname.slice(home.pathname.length)) || 'index.html';
  if (Object.hasOwn(FILES, path)) event.respondWith(answered(request, FILES[path]));
});
