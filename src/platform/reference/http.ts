import { existsSync, readdirSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { extname, join } from 'node:path'
import { sendContent } from '../http/content.ts'
import { pageHeaders } from '../http/page-policy.ts'
import { baseUrlOf } from '../http/request.ts'
import type { Exchange, Route } from '../http/router.ts'
import { AppError, unavailable } from '../lib/errors.ts'
import { ROOT } from './places.ts'

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
}

/** Its own style, script and search index, and nothing else. */
const POLICY = { scripts: ["'self'"], styles: ["'self'"], connections: ["'self'"], images: ['data:'] }

/** The reference as it was built into the folder: `/docs`, `/docs/queries`, `/docs/queries/deals`, and what its pages load. */
export function referenceRoutes(folder: string): Route[] {
  let files: ReadonlySet<string> | undefined
  const answer = async (exchange: Exchange, page: string): Promise<void> => {
    // Looked at until it was built: only names that were found there are ever opened.
    if (files === undefined || files.size === 0) files = listFiles(folder)
    if (files.size === 0) throw unavailable('The reference has not been built here: npm run build.')
    const name = [page, `${page}.html`].find((each) => files?.has(each))
    if (name === undefined) throw new AppError('NOT_FOUND', `There is nothing at ${exchange.url.pathname}.`)
    const type = TYPES[extname(name)]
    const found = await readFile(join(folder, name))
    const isPage = name.endsWith('.html')
    const body = isPage ? withAddress(found.toString('utf8'), baseUrlOf(exchange.request)) : found
    await sendContent(exchange, { type, body, headers: isPage ? pageHeaders(POLICY) : {}, keep: 'ASKING' })
  }
  return [
    { method: 'GET', path: ROOT, handler: (exchange) => answer(exchange, 'index') },
    { method: 'GET', path: `${ROOT}/{page}`, handler: (exchange) => answer(exchange, exchange.params.page ?? '') },
    {
      method: 'GET',
      path: `${ROOT}/{chapter}/{name}`,
      handler: (exchange) => answer(exchange, `${exchange.params.chapter}/${exchange.params.name}`),
    },
  ]
}

/** What is written for a server of its own port is shown for the one that was asked: what is copied from a page runs. */
const withAddress = (page: string, base: string): string =>
  page
    .replaceAll('ws://localhost:4000', base.replace(/^http/, 'ws'))
    .replaceAll('http://localhost:4000', base)
    .replaceAll('localhost:4000', base.replace(/^http:\/\//, ''))

function listFiles(folder: string): ReadonlySet<string> {
  if (!existsSync(folder)) return new Set()
  const found = readdirSync(folder, { recursive: true, withFileTypes: true })
  const inside = (path: string, name: string) =>
    join(path, name)
      .slice(folder.length + 1)
      .replaceAll('\\', '/')
  return new Set(found.filter((each) => each.isFile()).map(({ parentPath, name }) => inside(parentPath, name)))
}
