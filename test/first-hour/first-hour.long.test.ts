// The first hour of somebody who has never seen Cadre, as a script: what the README and the guide say, typed in the order in
// which they say it, in a fresh clone with a fresh home; what goes wrong, and what a browser shows. Without a network, once
// everything is installed.

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ask } from '../front-door/visitor.ts'
import { type MessagesServer, startMessagesServer } from '../support/messages-server.ts'
import { tryTheDemo } from './demo.ts'
import { exploreGraphiql } from './explore.ts'
import { beALead } from './form.ts'
import { openHour } from './hour.ts'
import { blocksOf, guidePages, readPage } from './markdown.ts'
import { lookAtTheNetwork } from './network.ts'
import { Graphiql, paste, serves } from './paste.ts'
import { failToStart } from './start-faults.ts'
import { openStartPage } from './start-page.ts'
import type { Program } from './terminal.ts'

const hour = openHour()
let model: MessagesServer
let server: Program | undefined

beforeAll(async () => {
  model = await startMessagesServer()
})
afterAll(() => model?.stop())

/** Where a block starts a server, the one before it is stopped: there is one port, and one newcomer. */
async function serve(command: string): Promise<number> {
  await server?.interrupt()
  const started = await hour.newcomer.serve(command, { ANTHROPIC_BASE_URL: model.url })
  server = started.program
  return started.ms
}

/** Does what a page says, from top to bottom. What is neither a command nor a document is only read. */
async function follow(page: string): Promise<void> {
  const graphiql = new Graphiql(hour.newcomer)
  for (const block of blocksOf(page)) {
    if (serves(block)) await serve(block.text)
    else if (block.language === 'graphql') await graphiql.play(block)
    else await paste(hour.newcomer, block)
  }
}

describe('the README', () => {
  test('shows its two commands in the first 25 lines', () => {
    const beginning = readPage('README.md').split('\n').slice(0, 25).join('\n')
    expect(beginning).toContain('npm ci && npm start')
    expect(beginning).toContain('npm run demo')
  })

  test('works as it is written, command after command, in a fresh clone', async () => {
    await follow('README.md')
  })
})

describe('the start', () => {
  test('names addresses that answer and a key that lets in', async () => {
    const said = server?.output ?? ''
    process.stdout.write(`First start, once installed: ${/\S+ s in all/.exec(said)?.[0]}\n`)
    const rows = said.matchAll(/^ {2}\S.* (http:\/\/\S+)/gm)
    const shown = [...rows].map(([, url = '']) => url)
    expect(shown.length).toBeGreaterThanOrEqual(2)
    for (const url of shown) {
      const response = await fetch(url, { headers: { accept: 'text/html' } })
      expect(`${url} ${response.status}`).toBe(`${url} 200`)
    }
    const { viewer } = await ask<{ viewer: object }>(hour.newcomer, '{ viewer { actor { name } workspace { name } } }')
    expect(viewer).toMatchObject({ workspace: { name: 'Demo' } })
  })

  test('finds everything again the second time', async () => {
    const count = '{ submissions(first: 1) { totalCount } }'
    const before = await ask(hour.newcomer, count)
    const againMs = await serve('npm start')
    expect(await ask(hour.newcomer, count)).toEqual(before)
    process.stdout.write(`Second start, until ready: ${(againMs / 1_000).toFixed(1)} s\n`)
  })
})

// On the server that runs by now.
failToStart(hour)
openStartPage(hour)
exploreGraphiql(hour)
beALead(hour)
tryTheDemo(hour)

describe('the guide', () => {
  test.each(guidePages())('%s works from top to bottom', async (page) => {
    if (server?.isRunning !== true) await serve('npm start')
    await follow(page)
  })

  test('kept its word: Nora opened the deal of her lead, and asked before she wrote', async () => {
    const query = `{ submissions(first: 1, filter: { form: { slug: { eq: "quote" } }, contact: { email: { eq: "lee@kite.example" } } }) { nodes {
        answer(key: "company") { text } deal { owner { name } } run { employee { name } approvals { tool } } } } }`
    await expect
      .poll(() => ask<object>(hour.newcomer, query), { timeout: 60_000 })
      .toMatchObject({
        submissions: {
          nodes: [
            {
              answer: { text: 'Kite & Co' },
              deal: { owner: { name: 'Nora' } },
              run: { employee: { name: 'Nora' }, approvals: [{ tool: 'send_email' }] },
            },
          ],
        },
      })
  })
})

lookAtTheNetwork(hour)
