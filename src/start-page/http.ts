// The page at `/`: what a newcomer sees first.
//
// Who is signed in sees the workspace they are in, as what they may. On a demo server, who sits at the machine and is not
// signed in sees the demo's: what each employee is doing, what waits for a decision, what happened last, and where to go
// from here. It is asked for through the API, works without a script, and with one follows the event log. It carries no
// key. Everybody else gets a hint how to sign in.

import type { StartPageQuery } from '../client/gql/graphql.ts'
import { findWorkspaceBySlug } from '../domains/workspaces/service.ts'
import type { Viewer } from '../platform/auth/viewer.ts'
import type { Database } from '../platform/db/database.ts'
import type { EventFeed } from '../platform/events/feed.ts'
import { relayStream } from '../platform/graphql/http-relay.ts'
import type { AskInside } from '../platform/graphql/inside.ts'
import { eventStream } from '../platform/graphql/sse.ts'
import { sendContent } from '../platform/http/content.ts'
import { comesFromHere, comesFromPageHere, usesOwnName } from '../platform/http/from-here.ts'
import { comesFromOwnPage } from '../platform/http/own-page.ts'
import { pageHeaders } from '../platform/http/page-policy.ts'
import { createRouter, type Exchange, type Route } from '../platform/http/router.ts'
import type { Clock } from '../platform/lib/clock.ts'
import { notFound } from '../platform/lib/errors.ts'
import { type Html, html } from '../platform/lib/html.ts'
import { StartPage } from './documents.ts'
import { renderNoWorkspaceHint, renderOpenHereHint, renderSignInHint } from './hint-page.ts'
import { liveScript } from './live-script.ts'
import { type Link, renderParts, renderStartPage, type StartPageOptions } from './page.ts'
import { START_STYLE } from './style.ts'
import { whenever } from './whenever.ts'

export interface DemoPlace {
  /** Its slug. */
  readonly workspace: string
  readonly formPath: string
  /** Whom employees ask: the person whose key the demo's is. */
  readonly owner: string
}

/** Who is signed in in the browser that asks. */
export interface SignedIn {
  readonly viewer: Viewer
  /** Undefined where they are in no workspace. */
  readonly workspaceId: string | undefined
  /** Says who that is, with a way to other workspaces and to sign out. */
  readonly bar: Html
  /** Calls once when that holds no more; returns what forgets it. */
  watch(ended: () => void): () => void
}

export interface StartPageDoorOptions {
  readonly db: Database
  readonly feed: EventFeed
  readonly clock: Clock
  readonly ask: AskInside
  readonly publicUrl: string | undefined
  readonly mode: 'live' | 'rehearsal'
  /** Whether GraphiQL is there to lead to. */
  readonly graphiql: boolean
  /** Who is signed in; undefined for nobody. */
  readonly signedIn: (exchange: Exchange) => Promise<SignedIn | undefined>
  /** The workspace that is shown to who is not signed in; none in production. */
  readonly demo: DemoPlace | undefined
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
  const { demo, others, mode, clock, signedIn } = options
  const find = createRouter(others)
  const reading = READING.filter(({ href }) => find('GET', href).kind === 'found')
  const shared = { mode, streamPath: STREAM_PATH, reading }

  const pageFor = (who: SignedIn) => ({
    ...shared,
    bar: who.bar,
    decides: 'Employees ask the people of this workspace: here you see what waits for one of them.',
    graphiql: options.graphiql ? 'as yourself' : undefined,
  })
  const pageOfDemo = (place: DemoPlace) => ({
    ...shared,
    formPath: place.formPath,
    bar: html`<p class="who"><a href="/sign-in">Sign in</a></p>`,
    decides: `Employees ask ${place.owner}, who owns this workspace. You hold the key: here that is you.`,
    graphiql: options.graphiql ? 'with the demo key' : undefined,
  })
  const placeOf = async ({ workspace }: DemoPlace): Promise<Looked> => ({
    viewer: { kind: 'system' },
    workspaceId: await workspaceOf(options.db, workspace),
  })

  return [
    {
      method: 'GET',
      path: '/',
      handler: async (exchange) => {
        const { request } = exchange
        const who = await signedIn(exchange)
        if (who?.workspaceId !== undefined) {
          const { viewer, workspaceId } = who
          const data = await lookAt(options, { viewer, workspaceId }, exchange)
          return sendPage(exchange, renderStartPage(data, pageFor(who), clock.now()))
        }
        if (who !== undefined) return sendPage(exchange, renderNoWorkspaceHint(who.bar))
        if (demo === undefined) return sendPage(exchange, renderSignInHint(reading))
        if (!comesFromHere(request)) {
          // From a page of its own name the way is open: browsers say that such a link is ours.
          const address = `http://${usesOwnName(request) ? request.headers.host : `localhost:${request.socket.localPort}`}/`
          return sendPage(exchange, renderOpenHereHint(address))
        }
        const data = await lookAt(options, await placeOf(demo), exchange)
        await sendPage(exchange, renderStartPage(data, pageOfDemo(demo), clock.now()))
      },
    },
    liveScript.route,
    {
      method: 'GET',
      path: STREAM_PATH,
      handler: async (exchange) => {
        exchange.response.removeHeader('access-control-allow-origin')
        const who = comesFromOwnPage(exchange.request, options.publicUrl) ? await signedIn(exchange) : undefined
        if (who !== undefined) {
          const { viewer, workspaceId } = who
          if (workspaceId === undefined) throw notFound('This stream')
          const over = new AbortController()
          const forget = who.watch(() => over.abort())
          await streamChanges(options, { viewer, workspaceId }, exchange, pageFor(who), over.signal).finally(forget)
          return
        }
        if (demo === undefined || !comesFromPageHere(exchange.request)) throw notFound('This stream')
        await streamChanges(options, await placeOf(demo), exchange, pageOfDemo(demo))
      },
    },
  ]
}

/** As whom the page looks, and at what. */
interface Looked {
  readonly viewer: Viewer
  readonly workspaceId: string
}

function sendPage(exchange: Exchange, body: string): Promise<void> {
  // What a workspace holds stands in it: no other origin may read it, whoever may call the API.
  exchange.response.removeHeader('access-control-allow-origin')
  const headers = pageHeaders({
    scripts: ["'self'"],
    styles: [START_STYLE.source],
    images: ['data:'],
    connections: ["'self'"],
    formTargets: ["'self'"],
    referrer: 'same-origin',
  })
  return sendContent(exchange, { type: 'text/html; charset=utf-8', body, headers, keep: 'NOBODY' })
}

async function workspaceOf(db: Database, slug: string): Promise<string> {
  const workspace = await findWorkspaceBySlug(db.systemSql, slug)
  if (workspace === null) throw notFound('Workspace', slug)
  return workspace.id
}

const lookAt = ({ ask }: StartPageDoorOptions, looked: Looked, { requestId }: Exchange): Promise<StartPageQuery> =>
  ask({ ...looked, requestId }, StartPage, {})

// As often as somebody can follow.
const PAUSE_MS = 250

/** The parts of the page that change, as they are now and again whenever something happened. */
async function streamChanges(
  options: StartPageDoorOptions,
  looked: Looked,
  exchange: Exchange,
  page: Pick<StartPageOptions, 'graphiql'>,
  revoked?: AbortSignal,
): Promise<void> {
  const { feed, clock } = options
  const over = AbortSignal.any([exchange.signal, exchange.closing, ...(revoked === undefined ? [] : [revoked])])
  const happenings = await feed.subscribe({ workspaceId: looked.workspaceId, signal: over })
  const items = whenever(happenings, { pauseMs: PAUSE_MS, clock, signal: over }, async () => {
    const parts = renderParts(await lookAt(options, looked, exchange), clock.now(), page)
    return { data: Object.fromEntries(Object.entries(parts).map(([id, part]) => [id, part.text])) }
  })
  // Of a session that is over nothing more will come: that is an end, and no cut.
  await relayStream(eventStream(items), 200, { ...exchange, signal: over }, exchange.closing)
}
