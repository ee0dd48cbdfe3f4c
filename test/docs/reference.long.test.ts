import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { getVariableValues, OperationTypeNode, parse, validate } from 'graphql'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { costOf } from '../../src/platform/graphql/cost.ts'
import { defaultLimits } from '../../src/platform/graphql/limits.ts'
import { type HttpServer, openHttpServer } from '../../src/platform/http/server.ts'
import { exampleOperation } from '../../src/platform/reference/example-operation.ts'
import { referenceRoutes } from '../../src/platform/reference/http.ts'
import { schema } from '../../src/schema.ts'
import { complaintsOfPage, findBarriers, hasChromium, launchBrowser, PICTURES, SCREENS } from '../support/browser.ts'
import { testLog } from '../support/context.ts'
import { openTemporaryFolder } from '../support/temporary-folder.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

const folder = openTemporaryFolder('cadre-reference-test-')
let server: HttpServer

beforeAll(async () => {
  // The build's own step.
  execFileSync(process.execPath, ['--import', 'tsx', 'src/commands/build-reference.ts', folder], { cwd: ROOT })
  server = await openHttpServer({
    routes: referenceRoutes(folder),
    log: testLog,
    host: '127.0.0.1',
    port: 0,
    maxBodyBytes: 1_000,
    trustProxy: 0,
  })
})
afterAll(async () => {
  await server?.close()
  rmSync(folder, { recursive: true, force: true })
})

const get = (path: string, init: RequestInit = {}): Promise<Response> => fetch(`${server.url}${path}`, init)
const pageOf = async (path: string): Promise<string> => (await get(path)).text()

const pages = (): string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.html'))

describe('the guide', () => {
  test('stands beside the reference, page by page, and names what is in the repository without leading there', async () => {
    const overview = await pageOf('/docs/guide')
    const linked = [...overview.matchAll(/<a href="(\/docs\/guide\/[\w-]+)"/g)].map(([, href = '']) => href)
    expect(new Set(linked).size).toBe(9)
    for (const href of new Set(linked)) expect([href, (await get(href)).status]).toEqual([href, 200])
    const watching = await pageOf('/docs/guide/watching-live')
    const here = new URL(server.url).host
    expect(watching).toContain(`ws://${here}/graphql`)
    expect(watching).toContain(`${here}/graphql -H`)
    expect(watching).not.toContain('localhost:4000')
    const promises = await pageOf('/docs/guide/the-six-promises')
    expect(promises).toContain('<code>test/db/tenants.test.ts</code>')
    expect(promises).not.toMatch(/href="[^"]*\.(ts|md)"/)
  })
})

describe('the reference', () => {
  test('has a page for every type and every operation, and says what each of their parts is', async () => {
    const types = Object.values(schema.getTypeMap()).filter(
      ({ name }) => !/^__|^(Query|Mutation|Subscription)$/.test(name),
    )
    const known = new Set(pages().map((name) => name.replace(/^\w+\//, '').replace('.html', '')))
    expect(types.filter(({ name }) => !known.has(name))).toEqual([])
    const deal = await pageOf('/docs/objects/Deal')
    expect(deal).toContain('<section id="stage" class="part">')
    expect(deal).toContain('href="/docs/objects/Stage"')
    expect(await pageOf('/docs/inputs/FormBy')).toContain('Exactly one of these is given.')
    expect(await pageOf('/docs/enums/RunStatus')).toContain('id="SUCCEEDED"')
    expect(await pageOf('/docs/interfaces/UserError')).toContain('href="/docs/objects/ConflictError"')
    expect(await pageOf('/docs/subscriptions/events')).toMatch(/onLag[^\n]*<code class="type">.*= COALESCE/)
  })

  test('leads nowhere that is not there', () => {
    const ids = new Map<string, Set<string>>()
    const text = new Map(pages().map((name) => [name, readFileSync(join(folder, name), 'utf8')] as const))
    for (const [name, page] of text) {
      const path = `/docs/${name.replace(/(?:^index)?\.html$/, '')}`.replace(/\/$/, '')
      ids.set(path, new Set([...page.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id ?? '')))
    }
    const elsewhere = new Set([
      '/',
      '/graphql',
      '/schema.graphql',
      '/codegen.ts',
      '/openapi.json',
      '/docs/reference.css',
      '/docs/search.js',
    ])
    const broken: string[] = []
    for (const [name, page] of text) {
      for (const [, href = ''] of page.matchAll(/(?:href|src)="([^"]+)"/g)) {
        if (/^https?:|^data:/.test(href) || elsewhere.has(href)) continue
        const [path = '', part] = href.split('#')
        const target = path === '' ? (ids.get(`/docs/${name.replace('.html', '')}`) ?? ids.get('/docs')) : ids.get(path)
        if (target === undefined || (part !== undefined && !target.has(part))) broken.push(`${name}: ${href}`)
      }
    }
    expect(text.size).toBeGreaterThan(300)
    expect(broken).toEqual([])
  })

  test('shows for every operation an example that the server would take', () => {
    for (const kind of [OperationTypeNode.QUERY, OperationTypeNode.MUTATION, OperationTypeNode.SUBSCRIPTION]) {
      for (const field of Object.values(schema.getRootType(kind)?.getFields() ?? {})) {
        const { text, variables } = exampleOperation(schema, kind, field)
        const document = parse(text)
        expect([field.name, validate(schema, document)]).toEqual([field.name, []])
        const [operation] = document.definitions
        if (operation?.kind !== 'OperationDefinition') throw new Error(`${field.name} has no operation`)
        const coerced = getVariableValues(schema, operation.variableDefinitions ?? [], variables)
        expect([field.name, coerced.errors]).toEqual([field.name, undefined])
        expect(costOf(schema, document, operation, coerced.coerced ?? {})).toBeLessThan(defaultLimits.maxCost)
      }
    }
  })

  test('writes what stands in backticks as code, and nothing of a description as HTML', async () => {
    expect(await pageOf('/docs/objects/SubmitFormPayload')).not.toContain('`')
    const all = pages().map((name) => readFileSync(join(folder, name), 'utf8'))
    expect(
      all.filter((page) => /<script(?! src="\/docs\/search\.js" defer>)|<style| style=| on\w+=/.test(page)),
    ).toEqual([])
  })

  test('is found by its ETag, answers HEAD, and says as a problem what it has not', async () => {
    const whole = await get('/docs/queries/deals')
    expect(whole.headers.get('content-type')).toBe('text/html; charset=utf-8')
    expect(whole.headers.get('content-security-policy')).toContain(
      "default-src 'none'; script-src 'self'; style-src 'self'",
    )
    const again = await get('/docs/queries/deals', { headers: { 'if-none-match': whole.headers.get('etag') ?? '' } })
    expect([again.status, await again.text()]).toEqual([304, ''])
    const head = await get('/docs', { method: 'HEAD' })
    expect([head.status, await head.text()]).toEqual([200, ''])
    for (const path of ['/docs/nothing', '/docs/objects/..%2f..%2fpackage.json', '/docs/queries/deals.html.html']) {
      const missing = await get(path)
      expect([missing.status, missing.headers.get('content-type')]).toEqual([
        404,
        'application/problem+json; charset=utf-8',
      ])
    }
  })
})

test('a reference that was not built says how it is', async () => {
  const unbuilt = await openHttpServer({
    routes: referenceRoutes(join(folder, 'nothing')),
    log: testLog,
    host: '127.0.0.1',
    port: 0,
    maxBodyBytes: 1_000,
    trustProxy: 0,
  })
  const answer = await fetch(`${unbuilt.url}/docs`)
  expect([answer.status, await answer.text()]).toEqual([503, expect.stringContaining('npm run build')])
  await unbuilt.close()
})

describe.skipIf(!hasChromium)('the reference, in a browser', () => {
  let browser: Browser
  beforeAll(async () => {
    browser = await launchBrowser()
  })
  afterAll(async () => {
    await browser?.close()
  })

  const SOME = [
    '',
    '/conventions',
    '/objects',
    '/objects/Deal',
    '/mutations/moveDeal',
    '/enums/RunStatus',
    '/inputs/DealFilter',
  ]

  test.each(SCREENS)('fits $name, and axe finds nothing', async ({ name, viewport, colorScheme }) => {
    const context = await browser.newContext({ viewport, colorScheme })
    const page = await context.newPage()
    for (const path of SOME) {
      await page.goto(`${server.url}/docs${path}`)
      expect([path, await findBarriers(page)]).toEqual([path, []])
      const fits = await page.evaluate('document.documentElement.scrollWidth <= window.innerWidth')
      expect([path, fits]).toEqual([path, true])
      if (PICTURES !== undefined) {
        await page.screenshot({ path: `${PICTURES}/docs${path.replaceAll('/', '-')}-${name}.png` })
      }
    }
    await context.close()
  })

  test('finds what is looked for, by keyboard alone, under its own policy', async () => {
    const page = await browser.newPage({ viewport: { width: 1280, height: 900 } })
    const complaints = complaintsOfPage(page)
    await page.goto(`${server.url}/docs`)
    await page.keyboard.press('/')
    await page.keyboard.type('stage_changed')
    await page
      .getByRole('link', { name: /DEAL_STAGE_CHANGED/ })
      .first()
      .waitFor()
    if (PICTURES !== undefined) await page.screenshot({ path: `${PICTURES}/docs-search.png` })
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('Enter')
    await page.waitForURL(/\/docs\/.+/)
    await page.keyboard.press('/')
    await page.keyboard.type('no such thing at all')
    await page.getByText('Nothing found for').waitFor()
    expect(complaints).toEqual([])
    await page.close()
  })

  test('reads the same without script, but for the search', async () => {
    const context = await browser.newContext({ javaScriptEnabled: false })
    const page = await context.newPage()
    await page.goto(`${server.url}/docs`)
    await page.getByRole('navigation').getByRole('link', { name: 'Mutations' }).click()
    await page.getByRole('main').getByRole('link', { name: 'moveDeal', exact: true }).click()
    await page.getByRole('heading', { name: 'moveDeal' }).waitFor()
    expect(await page.getByRole('searchbox').isVisible()).toBe(false)
    await context.close()
  })
})
