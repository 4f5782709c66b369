// Pictures of every screen, light and dark, wide and phone, for a person to look at: `npm run shots`, into shots/.
import { mkdir } from 'node:fs/promises';
import { TINY, encoded, loaded, open, start, textIs } from './page.mjs';
import { RECORDED } from './recorded.mjs';

const FOLDER = new URL('shots/', import.meta.url).pathname;
const SIZES = { wide: { width: 1280, height: 900 }, phone: { width: 390, height: 844 } };

const site = await start();
await mkdir(FOLDER, { recursive: true });
for (const colorScheme of ['light', 'dark']) {
  for (const [size, viewport] of Object.entries(SIZES)) {
    const opened = await open(site, {
      query: `device=cpu&spec=${encoded(TINY)}`,
      viewport,
      colorScheme,
      recorded: RECORDED,
    });
    const { page, id } = opened;
    const shot = (name) => page.screenshot({ path: `${FOLDER}${name}-${size}-${colorScheme}.png`, fullPage: true });
    await loaded(opened);
    await id('recorded-table').waitFor();
    await shot('compare');
    await page.getByRole('link', { name: 'Explore', exact: true }).click();
    await id('nearest-table').waitFor();
    await shot('explore');
    await page.getByRole('link', { name: 'Train', exact: true }).click();
    await shot('train');
    if (process.argv.includes('--train')) {
      await id('train-start').click();
      await textIs(id('train-status'), 'done', 300_000);
      await page.waitForTimeout(1000);
      await shot('trained');
    }
    await opened.context.close();
  }
}
await site.close();
