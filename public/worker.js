// Loads the worker's code. A download that fails in a worker is an event for nobody: here it becomes a message.
'use strict';

function failed(error) {
  const message = `The page's engine could not be loaded: ${error?.message || error}`;
  const advice = 'The network or the server may have cut the download off. Restart it, or load the page again.';
  postMessage([JSON.stringify({ type: 'failed', kind: 'other', message, advice, fatal: true })]);
}

try {
  importScripts('./promot-worker.js');
  wasm_bindgen({ module_or_path: './promot-worker_bg.wasm' }).catch(failed);
} catch (error) {
  failed(error);
}
