// What keeps the browser's threads busy.
import assert from 'node:assert/strict';

/**
 * What the threads of the browser do. Tasks are measured by the processor time that they take: on a machine that has
 * other things to do as well, the clock counts those, too. On an idle machine the two agree.
 */
export class Trace {
  static async start(site) {
    const trace = new Trace();
    trace.session = await site.browser.newBrowserCDPSession();
    trace.events = [];
    trace.session.on('Tracing.dataCollected', ({ value }) => trace.events.push(...value));
    const traceConfig = { includedCategories: ['toplevel', 'blink.user_timing'], excludedCategories: ['*'] };
    await trace.session.send('Tracing.start', { traceConfig, transferMode: 'ReportEvents' });
    return trace;
  }

  async end() {
    if (!this.session) return;
    const ended = new Promise((done) => this.session.once('Tracing.tracingComplete', done));
    await this.session.send('Tracing.end');
    await ended;
    await this.session.detach();
    this.session = undefined;
  }
}

/**
 * The longest task of the page's main thread since it was opened, in milliseconds of processor time, and when it began;
 * ends the trace. What a task leaves to be done at once (its microtasks) counts with it.
 */
export async function longestTask({ page }, trace) {
  await trace.end();
  const { events } = trace;
  const thread = ({ pid, tid }) => `${pid}:${tid}`;
  const address = page.url().split('#')[0];
  const opening = ({ name, args }) => name === 'navigationStart' && args.data?.documentLoaderURL.startsWith(address);
  const mark = events.find(opening);
  const tasks = events
    .filter((event) => event.ph === 'X' && mark && thread(event) === thread(mark))
    .filter(({ name }) => name.endsWith('::RunTask') || name.endsWith('MicrotaskCheckpoint'))
    .sort((one, other) => one.ts - other.ts);
  assert.ok(tasks.length > 10, `a trace with ${events.length} events shows ${tasks.length} tasks of the page`);
  const long = [];
  let last;
  for (const { name, ts, dur, tdur = 0 } of tasks) {
    const inside = last && ts < last.end;
    if (inside) continue;
    if (last && name.endsWith('MicrotaskCheckpoint')) {
      last.ms += tdur / 1000;
      last.end = ts + dur;
    } else {
      last = { at: Math.round((ts - mark.ts) / 1000), ms: tdur / 1000, end: ts + dur };
      long.push(last);
    }
  }
  assert.ok(long.some(({ ms }) => ms > 1), 'the trace says nothing about processor time');
  return long.reduce((longest, task) => (task.ms > longest.ms ? task : longest));
}
