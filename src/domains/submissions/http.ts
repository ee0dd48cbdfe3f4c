import type { Database } from '../../platform/db/database.ts'
import { sendContent } from '../../platform/http/content.ts'
import { foreignOrigin } from '../../platform/http/own-page.ts'
import type { Exchange, Route } from '../../platform/http/router.ts'
import { listsOrigin } from '../settings/model.ts'
import { findWorkspaceBySlug } from '../workspaces/service.ts'
import { answerAtDoor, type Door } from './door.ts'
import { keepDoorSecret } from './door-secret.ts'
import { formDoor, thanksDoor } from './openapi.ts'

export type { Door } from './door.ts'

/**
 * The public doors of forms: `/f/{workspace}/{form}` shows a form (GET) and takes what is sent through it (POST), and
 * `/f/{workspace}/{form}/thanks` is where browsers end up. See `door.ts` for who is answered how.
 */
export function formRoutes(door: Door): Route[] {
  keepDoorSecret(door.db, door.secret)
  const handler = (thanks: boolean) => (exchange: Exchange) => answer(door, exchange, thanks)
  return [
    { method: '*', path: '/f/{workspace}/{form}', handler: handler(false), openapi: formDoor },
    { method: '*', path: '/f/{workspace}/{form}/thanks', handler: handler(true), openapi: thanksDoor },
  ]
}

/**
 * Whether a script of an origin may call a form: as its workspace lists it; undefined where that lists none, and for what is
 * no form's address. Browsers ask before they send, so it may be some seconds old: what counts is asked where a submission is
 * taken.
 */
export const formOrigins =
  (db: Database) =>
  async (path: string, origin: string): Promise<boolean | undefined> => {
    const slug = /^\/f\/([^/]+)\//.exec(path)?.[1]
    const workspace = slug === undefined ? null : await findWorkspaceBySlug(db.systemSql, slug)
    return workspace === null ? undefined : listsOrigin(workspace.allowedOrigins, origin)
  }

async function answer(door: Door, exchange: Exchange, thanks: boolean): Promise<void> {
  const { request, url, params, requestId, address } = exchange
  const { status, headers, body } = await answerAtDoor(door, {
    method: request.method ?? 'GET',
    workspace: params.workspace ?? '',
    form: params.form ?? '',
    thanks,
    query: url.searchParams,
    header: (name) => {
      const value = request.headers[name]
      return Array.isArray(value) ? value[0] : value
    },
    body: exchange.readBody,
    address,
    pageOrigin: foreignOrigin(request, door.publicUrl),
    requestId,
  })
  const { 'content-type': type, ...others } = headers
  await sendContent(exchange, { status, type, headers: others, body, keep: 'NOBODY' })
}
