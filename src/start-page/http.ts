// The page at `/`: what a newcomer sees first.
//
// On a demo server, who sits at the machine sees the workspace: what each employee is doing, what waits for a decision,
// what happened last, and where to go from here. It is asked for through the API, works without a script, and with one
// follows the event log. It carries no key. Everybody else, and everybody in production, gets a hint how to sign in.

import type { StartPageQuery } from '../client/gql/graphql.ts'
import { findWorkspaceBySlug } from '../domains/workspaces/service.ts'
import type { Database } from '../platform/db/database.ts'
import type { EventFeed } from '../platform/events/feed.ts'
import { relayStream } from '../platform/graphql/http-relay.ts'
import type { AskInside } from '../platform/graphql/inside.ts'
import { eventStream } from '../platform/graphql/sse.ts'
import { sendContent } from '../platform/http/content.ts'
import { comesFromHere, comesFromPageHere, usesOwnName } from '../platform/http/from-here.ts'
import { pageHeaders } from '../platform/http/page-policy.ts'
import { createRouter, type Exchange, type Route } from '../platform/http/router.ts'
import type { Clock } from '../platform/lib/clock.ts'
import { notFound } from '../platform/lib/errors.ts'
import { StartPage } from './documents.ts'
import { renderOpenHereHint, renderSignInHint } from './hint-page.ts'
import { liveScript } from './live-script.ts'
import { type Link, renderParts, renderStartPage } from './page.ts'
import { START_STYLE } from './style.ts'
import { whenever } from './whenever.ts'

export interface DemoPlace {
  /** Its slug. */
  readonly workspace: string
  readonly formPath: string
  /** Whom employees ask: the person whose key the demo's is. */
  readonly owner: string
}

export interface StartPageDoorOptions {
  readonly db: Database
  readonly feed: EventFeed
  readonly clock: Clock
  readonly ask: AskInside
  readonly mode: 'live' | 'rehearsal'
  /** The workspace that is shown; none in production. */
  readonly demo: DemoPlace | undefined
  /** Whether GraphiQL is there to lead to. */
  readonly explorer: boolean
  /** The server's other doors: the page leads to those that are there. */
  readonly others: readonly Route[]
}

const STREAM_PATH = '/start-page/changes'
const READING: readonly Link[] = [
  { href: '/docs', text: 'the API reference' },
  { href: '/docs/guide', text: 'the guide' },
  { href: '/docs/guide/the-six-promises', text: 'the six promises and their tests' },
]

/** `/` and what it needs: its script, and the stream of what changes. */
export function startPageRoutes(options: StartPageDoorOptions): Route[] {
  const { demo, others, explorer } = options
  const find = createRouter(others)
  const reading = READING.filter(({ href }) => find('GET', href).kind === 'found')
  if (demo === undefined) {
    return [{ method: 'GET', path: '/', handler: (exchange) => sendPage(exchange, renderSignInHint(reading)) }]
  }
  const look = (exchange: Exchange) => lookAt(options, demo.workspace, exchange.requestId)
  const page = { ...demo, explorer, mode: options.mode, streamPath: STREAM_PATH, reading }
  return [
    {
      method: 'GET',
      path: '/',
      handler: async (exchange) => {
        const { request } = exchange
        if (!comesFromHere(request)) {
          // From a page of its own name the way is open: browsers say that such a link is ours.
          const address = `http://${usesOwnName(request) ? request.headers.host : `localhost:${request.socket.localPort}`}/`
          return sendPage(exchange, renderOpenHereHint(address))
        }
        await sendPage(exchange, renderStartPage(await look(exchange), page, options.clock.now()))
      },
    },
    liveScript.route,
    {
      method: 'GET',
      path: STREAM_PATH,
      handler: async (exchange) => {
        exchange.response.removeHeader('access-control-allow-origin')
        if (!comesFromPageHere(exchange.request)) throw notFound('This stream')
        await streamChanges(options, demo.workspace, exchange, () => look(exchange))
      },
    },
  ]
}

function sendPage(exchange: Exchange, body: string): Promise<void> {
  // What a workspace holds stands in it: no other origin may read it, whoever may call the API.
  exchange.response.removeHeader('access-control-allow-origin')
  const headers = pageHeaders({
    scripts: ["'self'"],
    styles: [START_STYLE.source],
    images: ['data:'],
    connections: ["'self'"],
    referrer: 'same-origin',
  })
  return sendContent(exchange, { type: 'text/html; charset=utf-8', body, headers, keep: 'NOBODY' })
}

async function workspaceOf(db: Database, slug: string): Promise<string> {
  const workspace = await findWorkspaceBySlug(db.systemSql, slug)
  if (workspace === null) throw notFound('Workspace', slug)
  return workspace.id
}

async function lookAt({ db, ask }: StartPageDoorOptions, slug: string, requestId: string): Promise<StartPageQuery> {
  const workspaceId = await workspaceOf(db, slug)
  return await ask({ viewer: { kind: 'system' }, workspaceId, requestId }, StartPage, {})
}

// As often as somebody can follow.
const PAUSE_MS = 250

/** The parts of the page that change, as they are now and again whenever something happened. */
async function streamChanges(
  { db, feed, clock, explorer }: StartPageDoorOptions,
  slug: string,
  exchange: Exchange,
  look: () => Promise<StartPageQuery>,
): Promise<void> {
  const over = AbortSignal.any([exchange.signal, exchange.closing])
  const happenings = await feed.subscribe({ workspaceId: await workspaceOf(db, slug), signal: over })
  const items = whenever(happenings, { pauseMs: PAUSE_MS, clock, signal: over }, async () => {
    const parts = renderParts(await look(), clock.now(), explorer)
    return { data: Object.fromEntries(Object.entries(parts).map(([id, part]) => [id, part.text])) }
  })
  await relayStream(eventStream(items), 200, exchange, exchange.closing)
}
