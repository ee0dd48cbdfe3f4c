import type { Page } from 'playwright-core'
import { expect } from 'vitest'

// A form's page in a browser, used as people use it.

/** Presses Send twice, as fast as a hand can. */
export async function sendTwice(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Send' }).dblclick({ noWaitAfter: true })
  await page.getByRole('heading', { name: 'Thank you' }).waitFor()
}

/** Presses Send on what cannot be taken: the message stands at the field, which refers to it and has focus. */
export async function sendInVain(page: Page, label: string, message: string): Promise<void> {
  await page.getByRole('button', { name: 'Send' }).click()
  await page.getByRole('alert').waitFor()
  const field = page.getByLabel(label)
  const id = await field.getAttribute('id')
  expect((await field.getAttribute('aria-describedby'))?.split(' ')).toContain(`${id}-error`)
  expect(await page.locator(`#${id}-error`).textContent()).toContain(message)
  expect(await page.locator(':focus').getAttribute('id')).toBe(id)
}
