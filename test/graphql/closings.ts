import { once } from 'node:events'
import type { SampleServer } from './server.ts'
import { RawSocket } from './wire.ts'

type Closing = readonly [code: string, why: string, act: (server: SampleServer, key: string) => Promise<number>]

const MOVED = 'subscription { dealStageChanged { deal { version } } }'

const connect = (server: SampleServer, key: string) => new RawSocket(server).opened({ authorization: `Bearer ${key}` })

async function unannounced(server: SampleServer): Promise<RawSocket> {
  const socket = new RawSocket(server)
  await once(socket.socket, 'open')
  return socket
}

/** What closes a WebSocket: the code, for what, and who does that and tells the code it was closed with. */
export const CLOSINGS: readonly Closing[] = [
  [
    '4400',
    'a message that is none',
    async (server, key) => {
      const socket = await connect(server, key)
      socket.send('{"type":"what"}')
      return socket.closed()
    },
  ],
  [
    '4401',
    'a subscription before the init',
    async (server) => {
      const socket = await unannounced(server)
      socket.subscribe('s', '{ __typename }')
      return socket.closed()
    },
  ],
  [
    '4401',
    'a key that is none',
    async (server) => {
      const socket = await unannounced(server)
      socket.send({ type: 'connection_init', payload: { authorization: 'Bearer nonsense' } })
      return socket.closed()
    },
  ],
  ['4408', 'no init in time', (server) => new RawSocket(server).closed()],
  [
    '4409',
    'an id that is in use',
    async (server, key) => {
      const socket = await connect(server, key)
      socket.subscribe('s', MOVED)
      socket.subscribe('s', MOVED)
      return socket.closed()
    },
  ],
  [
    '4429',
    'a second init',
    async (server, key) => {
      const socket = await connect(server, key)
      socket.send({ type: 'connection_init' })
      return socket.closed()
    },
  ],
  ['4406', 'a protocol that is none', (server) => new RawSocket(server, 'none').closed()],
  [
    '1009',
    'a message above the limit',
    async (server, key) => {
      const socket = await connect(server, key)
      socket.subscribe('s', 'x'.repeat(200_000))
      return socket.closed()
    },
  ],
]
