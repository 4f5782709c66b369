// How soon the page is painted, shows a recorded answer and has its models, how soon one answers, what training costs, and
// the longest task of the main thread meanwhile. One JSON line a measurement; no verdict.
//
//     npm run open
import { TINY, encoded, loaded, open, start, startable, textIs } from '../../page/page.mjs';
import { Trace, longestTask } from './trace.mjs';

const MINUTES = 60_000;

const site = await start();

/** Opens the page, does something in it, and tells how long both took. */
async function measure(what, options, work) {
  let trace;
  const prepare = async () => {
    trace = await Trace.start(site);
  };
  const began = performance.now();
  const opened = await open(site, { ...options, prepare });
  const found = await work(opened, () => Math.round(performance.now() - began));
  const { at, ms } = await longestTask(opened, trace);
  console.log(JSON.stringify({ what, ...found, longest_task_ms: Math.round(ms), longest_task_at_ms: at }));
  await opened.context.close();
}

await measure('opening', {}, async (opened, elapsed) => {
  await opened.page.locator('.cell.recorded .said').first().waitFor();
  // Since the page was asked for, without what it takes to make a browser's profile.
  const recorded_answer_ms = await opened.page.evaluate(() => Math.round(performance.now()));
  await loaded(opened);
  const first_paint_ms = await opened.page.evaluate(
    () => Math.round(performance.getEntriesByName('first-contentful-paint')[0]?.startTime),
  );
  return { first_paint_ms, recorded_answer_ms, models_ms: elapsed() };
});

await measure('a first answer', {}, async (opened, elapsed) => {
  await loaded(opened);
  const models_ms = elapsed();
  await opened.id('ask').click();
  await opened.page.locator('[data-column=pretrained] .note', { hasText: 'tokens' }).waitFor();
  const answer_ms = elapsed() - models_ms;
  await textIs(opened.id('ask'), 'Ask all models');
  return { models_ms, answer_ms, all_answers_ms: elapsed() - models_ms };
});

const training = { query: `device=cpu&spec=${encoded(TINY)}`, hash: '#train' };
await measure('a tiny run', training, async (opened, elapsed) => {
  await startable(opened);
  const startable_ms = elapsed();
  await opened.id('train-start').click();
  await textIs(opened.id('train-status'), 'done', 10 * MINUTES);
  return { startable_ms, run_ms: elapsed() - startable_ms };
});

await site.close();
