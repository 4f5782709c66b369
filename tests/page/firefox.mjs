// Firefox as distributions ship it, by WebDriver BiDi, so that Playwright's own build of it is not needed. Two gaps between
// the two are closed here, on what Playwright keeps to itself: package.json names the exact version.
import { firefox } from 'playwright-core';

/** Emulates light and dark; Firefox ESR does not know it, and Playwright sends it for every page. */
const EMULATE = 'emulation.setMediaFeaturesOverride';

/** Starts it; `class.lan` is a name for this machine, as on a local network. */
export async function launch(executablePath) {
  const browser = await firefox.launch({
    channel: 'moz-firefox',
    executablePath,
    firefoxUserPrefs: { 'network.dns.localDomains': 'class.lan' },
  });
  const session = Object.getPrototypeOf(browser._connection.toImpl(browser)._browserSession);
  const { send, dispatchMessage } = session;
  session.send = function (method, params) {
    return method === EMULATE ? Promise.resolve({}) : send.call(this, method, params);
  };
  // Playwright passes over downloads that have no id; the address of what is downloaded will do.
  session.dispatchMessage = function (message) {
    if (/^browsingContext\.download/.test(message.method)) message.params.download ??= message.params.url;
    return dispatchMessage.call(this, message);
  };
  return browser;
}

/** Fills a field and leaves it. Playwright's own `fill` adds to a number in this Firefox, and makes no `change`. */
export function put(field, text) {
  return field.evaluate((element, text) => {
    element.value = text;
    for (const name of ['input', 'change']) element.dispatchEvent(new Event(name, { bubbles: true }));
  }, text);
}
