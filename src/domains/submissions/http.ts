import { sendContent } from '../../platform/http/content.ts'
import type { Exchange, Route } from '../../platform/http/router.ts'
import { answerAtDoor, type Door } from './door.ts'
import { keepDoorSecret } from './door-secret.ts'
import { formDoor, thanksDoor } from './openapi.ts'

export type { Door } from './door.ts'

/**
 * The public doors of forms: `/f/{workspace}/{form}` shows a form (GET) and takes what is sent through it (POST), and
 * `/f/{workspace}/{form}/thanks` is where browsers end up. See `door.ts` for who is answered how. Which other origins may
 * call them is the server's CORS setting.
 */
export function formRoutes(door: Door): Route[] {
  keepDoorSecret(door.db, door.secret)
  const handler = (thanks: boolean) => (exchange: Exchange) => answer(door, exchange, thanks)
  return [
    { method: '*', path: '/f/{workspace}/{form}', handler: handler(false), openapi: formDoor },
    { method: '*', path: '/f/{workspace}/{form}/thanks', handler: handler(true), openapi: thanksDoor },
  ]
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
    requestId,
  })
  const { 'content-type': type, ...others } = headers
  await sendContent(exchange, { status, type, headers: others, body, keep: 'NOBODY' })
}
