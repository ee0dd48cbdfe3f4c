// GraphQL over WebSocket, the protocol `graphql-transport-ws`:
// https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md
//
//   connected      `connection_init` must come within 3 s (4408); its payload may hold `authorization: "Bearer KEY"`;
//                  without it the session cookie counts, for pages of ours
//   acknowledged   operations, each under an id of the client's; at most so many at once
//   closed         4400 a message that is none · 4401 no valid credential, or an expired one · 4403 revoked, or a cookie
//                  from another site's page · 4408 init too late · 4409 an id twice · 4429 init twice, or too many messages
//                  · 1009 a message too large · 1012 the server restarts
//
// Operations go through the engine as over HTTP. A socket takes the next answer of a subscription when it has sent the
// one before: a slow client fills the feed's buffer, not our memory.

import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import type { ExecutionArgs } from 'graphql'
import { CloseCode, GRAPHQL_TRANSPORT_WS_PROTOCOL, makeServer, type SubscribePayload } from 'graphql-ws'
import { type WebSocket, WebSocketServer } from 'ws'
import type { Authenticator, Identity } from '../auth/authenticate.ts'
import { type Credential, credentialOf, identify } from '../auth/credential.ts'
import type { IdentityWatch } from '../auth/identity-watch.ts'
import { foreignOrigin } from '../http/own-page.ts'
import { baseUrlOf, clientAddress, requestIdOf } from '../http/request.ts'
import type { SocketDoor } from '../http/server.ts'
import { isAppError } from '../lib/errors.ts'
import { newId } from '../lib/ids.ts'
import { type Admission, type Admitted, type Asker, isAdmitted } from './admission.ts'
import { contextFactory, NO_WORKSPACE, type Services } from './context-factory.ts'
import { presentThrown } from './errors.ts'
import { tooMuch } from './limits.ts'
import { keepAlive, messageLimit, withText } from './socket-messages.ts'

export interface WebSocketDoorOptions {
  readonly admission: Admission
  readonly services: Services
  readonly authenticator: Authenticator
  readonly watch: IdentityWatch
  readonly path?: string
  readonly maxMessageBytes: number
  /** In ten seconds, of whatever kind; a socket that sends more is closed. */
  readonly maxMessages?: number
  /** Of this process; what comes on top is answered with 503. */
  readonly maxSockets?: number
  readonly maxAnonymousPerAddress?: number
  /** After how long without an operation a socket without a credential is closed; looked at that often. */
  readonly anonymousIdleMs?: number
  readonly trustProxy: number
}

/** What belongs to one socket, as graphql-ws hands it to its hooks. */
interface Connection extends Record<PropertyKey, unknown> {
  readonly socket: WebSocket
  readonly request: IncomingMessage
  readonly requestId: string
  readonly address: string | undefined
  identity?: Identity
  /** Whether it began an operation since that was last looked at. */
  active?: boolean
  forget?: (() => void) | undefined
}

/** What `onSubscribe` prepares and `execute`/`subscribe` carry out. */
interface Arguments extends ExecutionArgs {
  readonly admitted: Admitted
  readonly connection: Connection
  readonly after: string | undefined
}

export const MAX_OPERATIONS_PER_SOCKET = 100
export const MAX_MESSAGES_PER_SOCKET = 2_000
const CLOSE_GRACE_MS = 2_000
const NORMAL = 1000
const RESTART = 1012
const TRY_AGAIN_LATER = 1013
const TOO_MANY = 4429

export function webSocketDoor(options: WebSocketDoorOptions): SocketDoor {
  const { admission, services, authenticator, watch, path = '/graphql' } = options
  const { maxSockets = 20_000, maxAnonymousPerAddress = 50, anonymousIdleMs = 30_000 } = options
  const { maxMessages = MAX_MESSAGES_PER_SOCKET } = options
  const anonymous = new Map<string, number>()
  const { log } = services

  const askerOf = ({ identity, address }: Connection): Asker => ({
    viewer: identity?.viewer ?? { kind: 'anonymous' },
    address,
  })

  const contextsOf = ({ connection, after }: Arguments) => {
    const { identity, request, requestId, address } = connection
    return contextFactory(services, {
      viewer: askerOf(connection).viewer,
      workspaceId: identity?.workspaceId ?? NO_WORKSPACE,
      origin: { requestId, ...(address === undefined ? {} : { address }) },
      requestUrl: baseUrlOf(request),
      userAgent: request.headers['user-agent'],
      pageOrigin: foreignOrigin(request, services.publicUrl),
      resumeAfter: after,
    })
  }

  /** What the engine throws beside an answer is a fault; the operation ends with it, the socket lives on. */
  const masking = async <Result>(connection: Connection, work: () => Promise<Result>) => {
    try {
      return await work()
    } catch (thrown) {
      return { errors: [presentThrown(thrown, { log, requestId: connection.requestId })] }
    }
  }

  /** Why a socket is closed that shows no valid credential, in at most 123 bytes. */
  const refusalOf = (err: unknown, requestId: string): [code: number, reason: string] => {
    if (isAppError(err) && err.code === 'UNAUTHENTICATED') return [CloseCode.Unauthorized, err.message]
    if (isAppError(err) && err.code === 'FORBIDDEN')
      return [CloseCode.Forbidden, 'Another site cannot use your sign-in.']
    log.warn({ err, requestId }, 'a credential could not be looked up')
    return [TRY_AGAIN_LATER, 'Try again later.']
  }

  /** Counts a socket without a credential, and closes it when nothing is asked; undefined when there are too many. */
  const admitAnonymous = (connection: Connection, idle: () => boolean): (() => void) | undefined => {
    const address = connection.address ?? ''
    const before = anonymous.get(address) ?? 0
    if (before >= maxAnonymousPerAddress) return undefined
    anonymous.set(address, before + 1)
    const timer = setInterval(() => {
      if (idle() && connection.active !== true) connection.socket.close(NORMAL, 'Nothing was asked for some time.')
      connection.active = false
    }, anonymousIdleMs)
    timer.unref()
    return () => {
      clearInterval(timer)
      const others = (anonymous.get(address) ?? 1) - 1
      if (others > 0) anonymous.set(address, others)
      else anonymous.delete(address)
    }
  }

  const server = makeServer<{ authorization?: unknown; Authorization?: unknown; workspace?: unknown }, Connection>({
    onConnect: async ({ connectionParams, extra, subscriptions }) => {
      const text = (value: unknown) => (typeof value === 'string' ? value : undefined)
      const authorization = text(connectionParams?.authorization ?? connectionParams?.Authorization)
      const workspace = text(connectionParams?.workspace)
      let credential: Credential
      try {
        credential = credentialOf(extra.request, services.publicUrl, { authorization, workspace })
        extra.identity = await identify(authenticator, credential)
      } catch (err) {
        extra.socket.close(...refusalOf(err, extra.requestId))
        return false
      }
      // It may be gone by now, and then nobody would forget what is noted here.
      if (extra.socket.readyState !== extra.socket.OPEN) return false
      if (extra.identity.viewer.kind === 'anonymous') {
        extra.forget = admitAnonymous(extra, () => Object.keys(subscriptions).length === 0)
        if (extra.forget !== undefined) return true
        extra.socket.close(TRY_AGAIN_LATER, 'There are too many sockets without a key from this address.')
        return false
      }
      extra.forget = watch.add({
        credential,
        viewer: extra.identity.viewer,
        ended: (reason) =>
          reason === 'expired'
            ? extra.socket.close(CloseCode.Unauthorized, 'This key has expired.')
            : extra.socket.close(CloseCode.Forbidden, 'This key was revoked or changed.'),
      })
      return true
    },
    jsonMessageReviver: withText,
    onSubscribe: async ({ extra, subscriptions }, _id, payload) => {
      extra.active = true
      if (Object.keys(subscriptions).length > MAX_OPERATIONS_PER_SOCKET) {
        const message = `A socket has at most ${MAX_OPERATIONS_PER_SOCKET} operations at once.`
        return [tooMuch('OPERATIONS', message)]
      }
      const result = await masking(extra, () => admission.admit(askerOf(extra), payload))
      return isAdmitted(result) ? argumentsOf(result, extra, payload) : (result.errors ?? [])
    },
    execute: (args) => {
      const { admitted, connection } = args as Arguments
      return masking(connection, () => admitted.execute(contextsOf(args as Arguments)))
    },
    subscribe: (args) => {
      const { admitted, connection } = args as Arguments
      return masking(connection, () => admitted.subscribe(contextsOf(args as Arguments)))
    },
    onClose: ({ extra }) => extra.forget?.(),
  })

  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: options.maxMessageBytes,
    handleProtocols: (protocols) =>
      protocols.has(GRAPHQL_TRANSPORT_WS_PROTOCOL) ? GRAPHQL_TRANSPORT_WS_PROTOCOL : false,
  })

  // What asks for a WebSocket in a way that is none.
  const refusals = new WeakMap<Duplex, (status: string) => void>()
  sockets.on('wsClientError', (err, socket) => {
    log.debug({ err }, 'a WebSocket could not be opened')
    refusals.get(socket)?.('400 Bad Request')
  })

  sockets.on('connection', (socket, request) => {
    const connection: Connection = {
      socket,
      request,
      requestId: requestIdOf(request, newId),
      address: clientAddress(request, options.trustProxy),
    }
    socket.on('error', (err) => log.debug({ err, requestId: connection.requestId }, 'a socket was lost'))
    const stopPinging = keepAlive(socket)
    const mayCome = messageLimit(maxMessages)
    const closed = server.opened(
      {
        protocol: socket.protocol,
        send: (data) =>
          new Promise((resolve) => {
            // A socket that goes away while we send ends its operations by its own close.
            if (socket.readyState !== socket.OPEN) resolve()
            else socket.send(data, () => resolve())
          }),
        close: (code, reason) => socket.close(code, reason),
        onMessage: (receive) => {
          socket.on('message', (message) => {
            // What it sends while it is being closed is not worked off either.
            if (!mayCome()) return socket.close(TOO_MANY, 'There are too many messages.')
            receive(String(message)).catch((err: unknown) => {
              if (isServersWord(err)) return socket.close(CloseCode.BadRequest, 'Only the server says this.')
              log.error({ err, requestId: connection.requestId }, 'a message failed')
              socket.close(CloseCode.InternalServerError, 'Internal error')
            })
          })
        },
      },
      connection,
    )
    socket.once('close', (code, reason) => {
      stopPinging()
      void closed(code, String(reason))
    })
  })

  return {
    path,
    upgrade: (request, socket, head, refuse) => {
      if (sockets.clients.size >= maxSockets) return refuse('503 Service Unavailable')
      refusals.set(socket, refuse)
      sockets.handleUpgrade(request, socket, head, (opened) => sockets.emit('connection', opened, request))
    },
    count: () => sockets.clients.size,
    close: async () => {
      const gone = new Promise<void>((resolve) => sockets.close(() => resolve()))
      const ended = [...sockets.clients].map(
        (socket) => new Promise<void>((resolve) => socket.once('close', () => resolve())),
      )
      for (const socket of sockets.clients) socket.close(RESTART, 'The server restarts.')
      const force = setTimeout(() => {
        for (const socket of sockets.clients) socket.terminate()
      }, CLOSE_GRACE_MS)
      await Promise.all([gone, ...ended])
      clearTimeout(force)
    },
  }
}

function argumentsOf(admitted: Admitted, connection: Connection, payload: SubscribePayload): Arguments {
  const after = (payload.extensions as { readonly after?: unknown } | null | undefined)?.after
  return {
    // graphql-ws finds the operation's kind by these two; the rest is the engine's.
    document: admitted.prepared.document,
    operationName: payload.operationName ?? null,
    schema: undefined as never,
    admitted,
    connection,
    after: typeof after === 'string' && after !== '' ? after : undefined,
  }
}

/** graphql-ws throws where a client sends what is the server's to send (`next`, `connection_ack`): the client's fault. */
const isServersWord = (err: unknown): boolean =>
  err instanceof Error && err.message.startsWith('Unexpected message of type ')
