// Lets the service worker keep the page once the page has loaded, and says when a newer version is there.
'use strict';

(() => {
  // After what the visitor waits for.
  const LATER = 3_000;
  const { serviceWorker } = navigator;
  // Plain http, or a browser that keeps nothing: the page works as long as its server does.
  if (!serviceWorker || navigator.connection?.saveData) return;

  function offer(waiting) {
    if (document.querySelector('[data-testid=new-version]')) return;
    const note = document.createElement('p');
    note.className = 'new-version';
    note.dataset.testid = 'new-version';
    note.setAttribute('role', 'status');
    const button = document.createElement('button');
    button.textContent = 'Load it';
    button.addEventListener('click', () => {
      serviceWorker.addEventListener('controllerchange', () => location.reload(), { once: true });
      waiting.postMessage('now');
    });
    note.append('A newer version of this page is here. Loading it ends what is running now. ', button);
    document.body.prepend(note);
  }

  function watch(registration) {
    const look = () => {
      // Without a page that the older one serves there is nothing to wait for.
      if (registration.waiting && serviceWorker.controller) offer(registration.waiting);
      if (registration.active) document.documentElement.dataset.offline = 'ready';
    };
    look();
    const follow = (worker) => worker?.addEventListener('statechange', look);
    follow(registration.installing);
    registration.addEventListener('updatefound', () => follow(registration.installing));
  }

  const register = () => serviceWorker.register('service-worker.js').then((found) => found && watch(found), () => {});
  addEventListener('load', () => setTimeout(register, LATER));
})();
