// Says why the page does not start, where it does not: only the page's own code could say more, and that is missing.
'use strict';

(() => {
  const PATIENCE = 20_000;
  let said = '';

  /** The first reason stays, unless a later one is its cause: the others follow from it. Once the page stands, the shell is gone with what is written here. */
  function say(text, cause = false) {
    if (cause || !said) said = text;
    const status = document.querySelector('#shell [role=status]');
    if (status) {
      status.textContent = said;
      status.classList.add('problem');
    }
  }

  const reasons = [
    [location.protocol === 'file:', 'This page was opened from a file: browsers load its code from a web server only. Any static server will do, such as the one of `cargo xtask serve`.'],
    [self.origin === 'null', 'This page is in a sandboxed frame that may not load its code: the frame needs allow-same-origin beside allow-scripts.'],
    [typeof WebAssembly !== 'object', 'This browser has no WebAssembly, in which this page computes: another browser, or another security setting, is needed.'],
  ];
  const failed = (what) => say(`The page's code could not be loaded (${what}). Check the network and load the page again.`);

  for (const [holds, text] of reasons) if (holds) say(text);
  // The script stands before all others, whose failures it hears; what was said before the text had a place is said again.
  addEventListener('DOMContentLoaded', () => said && say(said));
  addEventListener('securitypolicyviolation', ({ violatedDirective }) => {
    // Where WebAssembly is forbidden, its own failure may have come first.
    say(`The server's content security policy (${violatedDirective}) keeps this page's code from running.`, true);
  });
  addEventListener('unhandledrejection', ({ reason }) => failed(reason?.message ?? reason));
  // Errors of elements do not bubble: a script that is missing shows only while it is captured.
  addEventListener(
    'error',
    ({ target, message }) => {
      const address = target?.src ?? target?.href;
      if (address || message) failed(address ? new URL(address).pathname : message);
    },
    true,
  );
  setTimeout(() => {
    const status = document.querySelector('#shell [role=status]');
    if (status && !said) {
      status.textContent = 'Loading the page takes long: its code has some megabytes. If nothing happens, load it again.';
    }
  }, PATIENCE);
})();
