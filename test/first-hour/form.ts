import { describe, expect, test } from 'vitest'
import { sendInVain, sendTwice } from '../forms/form-page.ts'
import { ask } from '../front-door/visitor.ts'
import { findBarriers, hasChromium } from '../support/browser.ts'
import type { Hour } from './hour.ts'

/** Fills in the form, wrongly first, and presses Send twice. */
export function beALead(hour: Hour): void {
  const submissions = async (): Promise<number> =>
    (await ask<{ submissions: { totalCount: number } }>(hour.newcomer, '{ submissions { totalCount } }')).submissions
      .totalCount

  describe.skipIf(!hasChromium)('the form', () => {
    test.each([true, false])(
      'says at the field what is wrong, and is sent once however fast the button is pressed twice (script on: %s)',
      async (javaScriptEnabled) => {
        const before = await submissions()
        const { page } = await hour.visit('/f/demo/book-a-demo', {
          javaScriptEnabled,
          viewport: { width: 390, height: 844 },
        })
        await page.getByLabel('Company').fill('Kite & Co')
        await page.getByLabel('E-mail').fill('lee@')
        await sendInVain(page, 'E-mail', 'not an e-mail address')
        if (javaScriptEnabled) expect(await findBarriers(page)).toEqual([])
        expect(await page.getByLabel('Company').inputValue()).toBe('Kite & Co')
        expect(await submissions()).toBe(before)
        await page.getByLabel('E-mail').fill('lee@kite.example')
        await sendTwice(page)
        expect(await submissions()).toBe(before + 1)
        await page.context().close()
      },
    )
  })
}
