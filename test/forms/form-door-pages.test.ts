import { randomUUID } from 'node:crypto'
import { beforeEach, describe, expect, it } from 'vitest'
import type { FormDefinition } from '../../src/domains/forms/model.ts'
import { pauseForm } from '../../src/domains/forms/service.ts'
import { answersOf } from '../../src/domains/submissions/answer-types.ts'
import { submissionBrief } from '../../src/domains/submissions/service.ts'
import type { Database } from '../../src/platform/db/database.ts'
import type { House } from './arrange.ts'
import { openDoor } from './door.ts'

const { opened, at, postForm } = openDoor()

let db: Database
let house: House
beforeEach(() => {
  ;({ db, house } = opened)
})

const hidden = (page: string, name: string): string =>
  new RegExp(`name="${name}"[^>]*value="([^"]*)"`).exec(page)?.[1] ?? ''

describe('a browser at the door', () => {
  it('gets a page with every field labelled, no script, and nothing loaded from elsewhere', async () => {
    const form = await house.form({ limits: { honeypot: 'subject_line' } })
    const response = await fetch(at(form, '?utm_source=fair&name=Ada&x=1'), {
      headers: { referer: 'https://a.example/' },
    })
    const page = await response.text()
    expect([response.status, response.headers.get('cache-control')]).toEqual([200, 'no-store'])
    const policy = response.headers.get('content-security-policy') ?? ''
    expect(policy).toContain("default-src 'none'")
    expect(policy).not.toContain('unsafe')
    for (const key of ['email', 'name', 'company', 'budget', 'message']) {
      expect(page).toContain(`<label for="${key}">`)
      expect(page).toContain(` id="${key}" name="${key}"`)
    }
    expect(page).not.toMatch(/<script|https?:\/\/(?!a\.example)/)
    expect(page).toContain(`action="/f/${house.slug}/${form.slug}?utm_source=fair"`)
    expect(page).toMatch(/name="name"[^>]* value="Ada"/)
    expect(hidden(page, '_referrer')).toBe('https://a.example/')
    expect(page).toContain('name="subject_line" tabindex="-1" autocomplete="off"')
  })

  it('that sends it ends up at the thank-you page, and pressing twice is one submission', async () => {
    const form = await house.form({ response: { message: 'We call you tomorrow.' } })
    const page = await (await fetch(at(form))).text()
    const fields = [
      ['_id', hidden(page, '_id')],
      ['_token', hidden(page, '_token')],
      ['email', 'ada@example.com'],
    ] as const
    const [first, second] = await Promise.all([postForm(form, fields), postForm(form, fields)])
    for (const response of [first, second]) {
      expect([response.status, response.headers.get('location')]).toEqual([303, `/f/${house.slug}/${form.slug}/thanks`])
    }
    expect(await (await fetch(at(form, '/thanks'))).text()).toContain('We call you tomorrow.')
    expect(await house.count('submission')).toBe(1)
  })

  it('is led where the form says, also by the policy of its page', async () => {
    const form = await house.form({ response: { redirectUrl: 'https://shop.example/thanks?from=form' } })
    const page = await fetch(at(form))
    expect(page.headers.get('content-security-policy')).toContain("form-action 'self' https://shop.example;")
    const response = await postForm(form, [['email', 'ada@example.com']])
    expect(response.headers.get('location')).toBe('https://shop.example/thanks?from=form')
  })

  it('is led there in ASCII, also by a form that was stored before that was made sure of', async () => {
    const form = await house.form({ response: { redirectUrl: 'https://shop.example/' } })
    await house.rows(
      `update form_version set definition = jsonb_set(definition, '{response,redirectUrl}', '"https://bücher.example/☃"')
       where workspace_id = $1 and form_id = $2`,
      [form.id],
    )
    const response = await postForm(form, [['email', 'ada@example.com']])
    expect([response.status, response.headers.get('location')]).toEqual([
      303,
      'https://xn--bcher-kva.example/%E2%98%83',
    ])
  })

  it('sees an empty field where nothing was given, whatever the field is called', async () => {
    const form = await house.form()
    await house.rows(
      `update form_version set definition = replace(definition::text, '"company"', '"constructor"')::jsonb
       where workspace_id = $1 and form_id = $2`,
      [form.id],
    )
    const page = await (await fetch(at(form))).text()
    expect(page).toContain('name="constructor"')
    expect(page).not.toContain('native code')
    const submissionId = await house.accept(form, { email: 'ada@example.com' })
    const ctx = house.ctx()
    const brief = await db.inTransaction(ctx, (tx) => submissionBrief(tx, submissionId))
    expect(brief.submission.answers.find(({ key }) => key === 'constructor')).toMatchObject({ value: null, text: '' })
    const row = await db.read(ctx.workspaceId, (sql) =>
      sql.selectFrom('formVersion').select('definition').where('formId', '=', form.id).executeTakeFirstOrThrow(),
    )
    const [answer] = answersOf(row.definition as unknown as FormDefinition, {}).filter(
      ({ field }) => field.key === 'constructor',
    )
    expect(answer?.value).toBeNull()
  })

  it('gets the page back with what was typed, and each message at its field', async () => {
    const form = await house.form()
    const response = await postForm(form, [
      ['_id', randomUUID()],
      ['email', 'ada@<b>"'],
      ['budget', 'much'],
      ['message', '</textarea><script>alert(1)</script>'],
    ])
    const page = await response.text()
    expect(response.status).toBe(422)
    expect(page).toContain('<title>Error: Book a demo</title>')
    expect(page).toMatch(/id="email"[^>]* required autofocus aria-describedby="email-error" aria-invalid="true"/)
    expect(page).toContain('<p class="wrong" id="email-error">This is not an e-mail address.')
    expect(page).toContain('value="ada@&lt;b&gt;&quot;"')
    expect(page).toMatch(/id="budget"[^>]* aria-describedby="budget-error"/)
    expect(page).toContain('&lt;/textarea&gt;&lt;script&gt;')
    expect(page).not.toContain('<script')
    expect(await house.count('submission')).toBe(0)
  })

  it('that goes back and sends other answers is asked once more, with a new id', async () => {
    const form = await house.form()
    const id = randomUUID()
    await postForm(form, [
      ['_id', id],
      ['email', 'ada@example.com'],
    ])
    const response = await postForm(form, [
      ['_id', id],
      ['email', 'kim@example.com'],
    ])
    const page = await response.text()
    expect(response.status).toBe(409)
    expect(hidden(page, '_id')).not.toBe(id)
    const third = await postForm(form, [
      ['_id', hidden(page, '_id')],
      ['email', 'kim@example.com'],
    ])
    expect(third.status).toBe(303)
    expect(await house.count('submission')).toBe(2)
  })

  it('that was too fast keeps its answers and the time its page was opened', async () => {
    const form = await house.form({ limits: { minimumTimeMs: 60_000 } })
    const page = await (await fetch(at(form))).text()
    const token = hidden(page, '_token')
    const response = await postForm(form, [
      ['_token', token],
      ['email', 'ada@example.com'],
    ])
    const again = await response.text()
    expect(response.status).toBe(429)
    expect(again).toContain('role="alert"')
    expect(again).toContain('value="ada@example.com"')
    expect(hidden(again, '_token')).toBe(token)
  })

  it('sends several choices and ticks as browsers do', async () => {
    const options = ['crm', 'erp', 'bi'].map((value) => ({ value, label: value.toUpperCase() }))
    const form = await house.form({
      fields: [
        { key: 'tools', kind: 'MULTI_SELECT', label: 'Tools', options },
        { key: 'terms', kind: 'CONSENT', label: 'Terms', required: true },
      ],
    })
    expect((await postForm(form, [['tools', 'crm']])).status).toBe(422)
    const response = await postForm(form, [
      ['tools', 'bi'],
      ['tools', 'crm'],
      ['terms', 'on'],
    ])
    expect(response.status).toBe(303)
    expect(await house.rows('select answers from submission where workspace_id = $1')).toEqual([
      { answers: { tools: ['crm', 'bi'], terms: true } },
    ])
  })

  it('gets a friendly page where there is no form, and a clear one where it is closed', async () => {
    const missing = await fetch(at({ slug: 'nowhere' }), { headers: { accept: 'text/html' } })
    expect([missing.status, missing.headers.get('content-type')]).toEqual([404, 'text/html; charset=utf-8'])
    expect(await missing.text()).toContain('There is no such form')
    const form = await house.form()
    await house.do((tx) => pauseForm(tx, { id: form.id }))
    const paused = await fetch(at(form), { headers: { accept: 'text/html' } })
    expect([paused.status, await paused.text()]).toEqual([410, expect.stringContaining('come back later')])
    expect((await postForm(form, [['email', 'ada@example.com']])).status).toBe(410)
  })

  it('does not see a form that was never published', async () => {
    const { createForm } = await import('../../src/domains/forms/service.ts')
    await house.do((tx) => createForm(tx, { name: 'Secret', slug: 'secret' }))
    expect((await fetch(at({ slug: 'secret' }))).status).toBe(404)
  })
})
