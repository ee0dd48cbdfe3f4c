// The first hour of somebody who has never seen Cadre, as a script: what the README and the guide say, typed in the order in
// which they say it, in a fresh clone with a fresh home.

import { existsSync, readdirSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { findFreePort } from '../../src/platform/db/free-port.ts'
import { ask } from '../front-door/visitor.ts'
import { type MessagesServer, startMessagesServer } from '../support/messages-server.ts'
import { blocksOf, guidePages, readPage } from './markdown.ts'
import { Newcomer } from './newcomer.ts'
import { Graphiql, paste, serves } from './paste.ts'
import type { Ended, Program } from './terminal.ts'

let newcomer: Newcomer
let model: MessagesServer
let server: Program | undefined

beforeAll(async () => {
  newcomer = await Newcomer.arrive()
  model = await startMessagesServer()
})
afterAll(async () => {
  await newcomer?.leave()
  await model?.stop()
})

/** Where a block starts a server, the one before it is stopped: there is one port, and one newcomer. */
async function serve(command: string): Promise<number> {
  await server?.interrupt()
  const started = await newcomer.serve(command, { ANTHROPIC_BASE_URL: model.url })
  server = started.program
  return started.ms
}

/** Does what a page says, from top to bottom. What is neither a command nor a document is only read. */
async function follow(page: string): Promise<void> {
  const graphiql = new Graphiql(newcomer)
  for (const block of blocksOf(page)) {
    if (serves(block)) await serve(block.text)
    else if (block.language === 'graphql') await graphiql.play(block)
    else await paste(newcomer, block)
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
    const rows = server?.output.matchAll(/^ {2}\S.* (http:\/\/\S+)/gm) ?? []
    const shown = [...rows].map(([, url = '']) => url)
    expect(shown.length).toBeGreaterThanOrEqual(2)
    for (const url of shown) {
      const response = await fetch(url, { headers: { accept: 'text/html' } })
      expect(`${url} ${response.status}`).toBe(`${url} 200`)
    }
    const { viewer } = await ask<{ viewer: object }>(newcomer, '{ viewer { actor { name } workspace { name } } }')
    expect(viewer).toMatchObject({ workspace: { name: 'Demo' } })
  })

  test('finds everything again the second time', async () => {
    const count = '{ submissions(first: 1) { totalCount } }'
    const before = await ask(newcomer, count)
    const againMs = await serve('npm start')
    expect(await ask(newcomer, count)).toEqual(before)
    process.stdout.write(`Second start, until ready: ${(againMs / 1_000).toFixed(1)} s\n`)
  })
})

describe('a start that cannot be', () => {
  const fails = (command: string, env: Readonly<Record<string, string>> = {}): Promise<Ended> =>
    newcomer.terminal.run(command, { CADRE_DIR: '.cadre-other', ...env })

  /** Two lines at most: what is wrong, and what helps. Nothing is left running, and nobody is shown a stack. */
  function expectTwoLines({ exitCode, output }: Ended): string {
    expect(exitCode, output).toBe(1)
    expect(output).not.toMatch(/^\s+at .+:\d+:\d+/m)
    const said = output.slice(output.indexOf('✖')).trimEnd().split('\n')
    expect(said.length, output).toBeLessThanOrEqual(2)
    expect(said[0]).toMatch(/^✖ .+/)
    if (said[1] !== undefined) expect(said[1]).toMatch(/^ {2}\S/)
    expect(postmasters()).toEqual([])
    return said.join('\n')
  }

  /** Of the folder whose start failed. */
  function postmasters(): string[] {
    const folder = join(newcomer.folder, '.cadre-other')
    if (!existsSync(folder)) return []
    return readdirSync(folder).filter((name) => existsSync(join(folder, name, 'postmaster.pid')))
  }

  test('because the port is taken says so', async () => {
    const holder = createServer().listen(0, '127.0.0.1')
    await new Promise((resolve) => holder.once('listening', resolve))
    const { port } = holder.address() as { port: number }
    const said = expectTwoLines(await fails('node dist/main.js start', { PORT: String(port) }))
    holder.close()
    expect(said).toContain(`Port ${port} is taken`)
  })

  test('because nobody answers at DATABASE_URL says where', async () => {
    const nobody = Object.assign(new URL('postgres://me@127.0.0.1:9/cadre'), { password: 'hunter2' })
    // The port is looked at first, and the newcomer's own server has the usual one.
    const PORT = String(await findFreePort())
    const said = expectTwoLines(await fails('node dist/main.js start', { PORT, DATABASE_URL: nobody.href }))
    expect(said).toContain('127.0.0.1:9')
    expect(said).not.toContain('hunter2')
  })

  test('because settings are wrong names all of them at once', async () => {
    const said = expectTwoLines(
      await fails('node dist/main.js start', { PORT: '40o0', LOG_LEVEL: 'loud', ANTHROPIC_BASE_URL: 'nowhere' }),
    )
    for (const name of ['PORT', 'LOG_LEVEL', 'ANTHROPIC_BASE_URL']) expect(said).toContain(name)
  })

  test('because Node is too old says which one is needed', async () => {
    const old = "Object.defineProperty(process.versions, 'node', { value: '18.19.0' })"
    const said = expectTwoLines(await fails(`node --import "data:text/javascript,${old}" dist/main.js start`))
    expect(said).toContain('Node 20.19 or newer')
  })
})

describe('the guide', () => {
  test.each(guidePages())('%s works from top to bottom', async (page) => {
    if (server?.isRunning !== true) await serve('npm start')
    await follow(page)
  })

  test('kept its word: Nora opened the deal of her lead, and asked before she wrote', async () => {
    const query = `{ submissions(first: 1, filter: { form: { slug: { eq: "quote" } } }) { nodes {
        answer(key: "company") { text } deal { owner { name } } run { employee { name } approvals { tool } } } } }`
    await expect
      .poll(() => ask<object>(newcomer, query), { timeout: 60_000 })
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
