// Pages of signing in as people see them: in a browser, on a phone and a desk, in light and dark.

import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type House, openHouse } from '../domains/house.ts'
import { complaintsOfPage, findBarriers, hasChromium, launchBrowser, PICTURES, SCREENS } from '../support/browser.ts'
import { type FakeIssuer, openIssuer } from '../support/issuer.ts'
import { runSql } from '../support/sql.ts'
import { PASSWORD } from './browser-visitor.ts'

describe.skipIf(!hasChromium)('in a browser', () => {
  let browser: Browser
  let house: House
  let issuer: FakeIssuer
  let url: string

  beforeAll(async () => {
    browser = await launchBrowser()
    issuer = await openIssuer({ clientId: 'cadre' })
    house = await openHouse({ env: { OIDC_ISSUER: issuer.url, OIDC_CLIENT_ID: 'cadre', OIDC_NAME: 'Acme' } })
    url = new URL(house.endpoint).origin.replace('127.0.0.1', 'localhost')
  })
  afterAll(async () => {
    await browser?.close()
    await house?.close()
    await issuer?.close()
  })

  const lookAt = async (page: Page, name: string, screen: string): Promise<void> => {
    expect([name, await findBarriers(page)]).toEqual([name, []])
    const fits = await page.locator('html').evaluate((root) => root.scrollWidth <= root.clientWidth)
    expect([name, fits]).toEqual([name, true])
    if (PICTURES !== undefined) await page.screenshot({ path: `${PICTURES}/${name}-${screen}.png`, fullPage: true })
  }

  test.each(SCREENS)(
    'a person signs up, looks around and signs out, without a barrier ($name)',
    async ({ name, ...screen }) => {
      const context = await browser.newContext(screen)
      const page = await context.newPage()
      const complaints = complaintsOfPage(page)
      const email = `${name}@example.com`
      await page.goto(`${url}/sign-up`)
      await lookAt(page, 'sign-up', name)
      await page.getByRole('button', { name: 'Sign up' }).click()
      await page.getByRole('alert').waitFor()
      expect(await page.locator(':focus').getAttribute('id')).toBe('name')
      await lookAt(page, 'sign-up-wrong', name)
      await page.getByLabel('Your name').fill('Grace Hopper')
      await page.getByLabel('E-mail').fill(email)
      await page.getByLabel('Password').fill(PASSWORD)
      await page.getByLabel('Name of your workspace').fill(`The fleet of ${name}`)
      await page.getByRole('button', { name: 'Sign up' }).click()
      await page.getByRole('heading', { name: `The fleet of ${name}` }).waitFor()
      await page.locator('#state[data-state=live]').waitFor()
      await lookAt(page, 'start-signed-in', name)

      await page.getByRole('link', { name: 'Grace Hopper' }).click()
      await page.getByRole('heading', { name: 'Where you are signed in' }).waitFor()
      await page.getByText('Found a workspace').click()
      await page.getByLabel('Name of your workspace').fill('Second fleet')
      await page.getByRole('button', { name: 'Found it' }).click()
      await page.getByRole('heading', { name: 'Second fleet' }).waitFor()
      await page.getByLabel('Workspace', { exact: true }).selectOption({ label: `The fleet of ${name}` })
      await page.getByRole('button', { name: 'Go there' }).click()
      await page.getByRole('heading', { name: `The fleet of ${name}` }).waitFor()

      await page.goto(`${url}/account`)
      await page.getByText('Change your address').click()
      await page.getByText('Change your password').click()
      await page.getByLabel('Present password').fill('not my password')
      await page.getByLabel('New password').fill('short')
      await page.getByRole('button', { name: 'Change it' }).click()
      await page.getByRole('alert').waitFor()
      await page.getByText('Erase it for good').click()
      await lookAt(page, 'account', name)

      await runSql(house.ownerUrl, `update session set created_at = created_at - interval '1 hour'`)
      issuer.person = { sub: name }
      await page.goto(`${url}/account`)
      await page.getByRole('button', { name: 'Connect Acme' }).click()
      await page.getByRole('alert').waitFor()
      await lookAt(page, 'account-connect-wrong', name)
      const connect = page.locator('form', { has: page.getByRole('button', { name: 'Connect Acme' }) })
      await connect.getByLabel('Your password').fill(PASSWORD)
      await connect.getByRole('button').click()
      await page.getByRole('link', { name: 'Go to Acme' }).click()
      await page.getByText('It is connected').waitFor()
      await lookAt(page, 'account-connected', name)
      await page.getByRole('button', { name: 'Sign out' }).click()
      await page.getByRole('link', { name: 'Sign in' }).waitFor()
      await lookAt(page, 'start-signed-out', name)

      await page.getByRole('link', { name: 'Sign in' }).click()
      await lookAt(page, 'sign-in', name)
      await page.getByLabel('E-mail').fill(email)
      await page.getByLabel('Password').fill('not my password')
      await page.getByRole('button', { name: 'Sign in' }).click()
      await page.getByRole('alert').waitFor()
      await lookAt(page, 'sign-in-wrong', name)
      await page.getByRole('link', { name: 'Forgot your password?' }).click()
      await lookAt(page, 'forgot', name)
      await page.getByLabel('E-mail').fill(email)
      await page.getByRole('button', { name: 'Send the link' }).click()
      await page.getByRole('heading', { name: 'Look into your mail' }).waitFor()
      await lookAt(page, 'forgot-sent', name)
      await page.goto(`${url}/reset-password?token=cadre_reset_${'x'.repeat(43)}`)
      await lookAt(page, 'reset', name)
      await page.goto(`${url}/confirm-email?token=cadre_email_${'x'.repeat(43)}`)
      await lookAt(page, 'confirm-email', name)
      await page.goto(`${url}/invite/nothing`)
      await lookAt(page, 'invite-over', name)
      const acme = await house.workspace(`Acme ${name}`)
      const { secret } = await acme.mutate('inviteMember', { email, role: 'MEMBER' }, 'secret')
      await page.goto(`${url}/invite/${secret}`)
      await lookAt(page, 'invite-stranger', name)

      await page.goto(`${url}/sign-in?next=/account`)
      await page.getByRole('link', { name: 'Continue with Acme' }).click()
      await page.getByRole('heading', { name: 'Grace Hopper' }).waitFor()
      issuer.person = { sub: `another ${name}`, name: 'Somebody Else' }
      await page.goto(`${url}/sign-in/oidc`)
      await page.getByRole('button', { name: 'Sign in as Somebody Else' }).waitFor()
      await lookAt(page, 'change-over', name)
      await page.getByRole('link', { name: 'Stay signed in as Grace Hopper' }).click()
      await page.goto(`${url}/invite/${secret}`)
      await lookAt(page, 'invite', name)
      await page.getByRole('button', { name: 'Join' }).click()
      await page.getByRole('heading', { name: `Acme ${name}` }).waitFor()

      await page.getByRole('link', { name: 'my team' }).click()
      const answered = page.waitForResponse(
        (response) => response.request().postData()?.includes('query MyTeam') === true,
      )
      await page
        .getByRole('button', { name: /execute/i })
        .first()
        .click()
      expect(await (await answered).json()).toMatchObject({ data: { employees: { nodes: [] } } })
      // Of no interest: what browsers say of an answer that is no success, and of a password whose owner a link names.
      const known = /the server responded with a status of (?:401|404|422)|should have \(optionally hidden\) username/
      expect(complaints.filter((text) => !known.test(text))).toEqual([])
      await context.close()
    },
  )
})
