import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { loadConfig } from '../config.ts'
import { processIdentity } from '../platform/db/process-identity.ts'
import { listenFault, requireFreePort } from './taken-port.ts'

const HOST = '127.0.0.1'
let server: Server | undefined

afterEach(async () => {
  const closing = server
  server = undefined
  if (closing !== undefined) await new Promise((resolve) => closing.close(resolve))
})

/** Somebody who listens, and what they say to who asks who they are; returns the port. */
async function occupy(answer: string, host = HOST): Promise<number> {
  const listening = createServer((_request, response) => response.end(answer))
  server = listening
  await new Promise<void>((resolve) => listening.listen(0, host, resolve))
  return (listening.address() as AddressInfo).port
}

const cadre = (identity: unknown, startedAt: unknown): string => JSON.stringify({ process: { identity, startedAt } })
const self = processIdentity(process.pid)
const configFor = (port: number) => {
  const config = loadConfig()
  return { ...config, http: { ...config.http, host: HOST, port } }
}

describe('a port that is taken', () => {
  test('is found before anything is started, and who has it is told with two ways out', async () => {
    const today = new Date()
    today.setHours(9, 5, 0, 0)
    const port = await occupy(cadre(self, today.toISOString()))
    await expect(requireFreePort(configFor(port), 'npm start')).rejects.toMatchObject({
      message: `Port ${port} is taken, by another Cadre (pid ${process.pid}, since 09:05).`,
      hint: expect.stringMatching(new RegExp(`^PORT=\\d+ npm start {3}or stop it: kill ${process.pid}$`)),
    })
  })

  test('names the day as well when the other was started on another one', async () => {
    const port = await occupy(cadre(self, new Date(2026, 0, 5, 9, 5).toISOString()))
    await expect(requireFreePort(configFor(port), 'npm start')).rejects.toThrow('since Mon Jan 05 2026 09:05')
  })

  test.each([
    ['speaks no JSON', 'hello'],
    ['says nothing of itself', '{}'],
    ['says no name that is one', cadre(7, '2026-01-05T09:05:00Z')],
    ['does not say since when', cadre(self, undefined)],
    ['names a process that does not run here', cadre('1 another-machine 1', '2026-01-05T09:05:00Z')],
  ])('belongs to "another program" when who listens %s, and nobody is told to kill it', async (_what, answer) => {
    const port = await occupy(answer)
    await expect(requireFreePort(configFor(port), 'npm start')).rejects.toMatchObject({
      message: `Port ${port} is taken, by another program.`,
      hint: expect.stringMatching(/^PORT=\d+ npm start$/),
    })
  })

  test.each(['0.0.0.0', '::'])(
    'is asked after on loopback where the server was to listen on all of %s',
    async (host) => {
      const port = await occupy(cadre(self, new Date().toISOString()), host === '::' ? '::1' : HOST)
      const fault = await listenFault({ code: 'EADDRINUSE' }, { host, port }, 'npm start')
      expect(fault?.message).toContain(`another Cadre (pid ${process.pid}`)
    },
  )

  test('at the very end of the ports leaves the choice to the system', async () => {
    const fault = await listenFault({ code: 'EADDRINUSE' }, { host: HOST, port: 65_535 }, 'npm start')
    expect(fault?.hint).toBe('PORT=0 npm start')
  })
})

describe('an address where nobody can listen', () => {
  test.each([
    ['EACCES', 'Port 80 is not for everybody: permission denied.', 'PORT=4000 npm start'],
    ['EADDRNOTAVAIL', 'HOST "nowhere" is no address of this machine.', 'Leave HOST out to listen on loopback.'],
    ['ENOTFOUND', 'HOST "nowhere" is no address of this machine.', 'Leave HOST out to listen on loopback.'],
    ['EAI_AGAIN', 'HOST "nowhere" is no address of this machine.', 'Leave HOST out to listen on loopback.'],
  ])('is said in two lines for %s', async (code, message, hint) => {
    const fault = await listenFault({ code }, { host: 'nowhere', port: 80 }, 'npm start')
    expect([fault?.message, fault?.hint]).toEqual([message, hint])
  })

  test('leaves every other fault as it is', async () => {
    expect(await listenFault(new Error('boom'), { host: HOST, port: 80 }, 'npm start')).toBeUndefined()
  })
})

test('a port that is free, or that the system chooses, is nothing to complain of', async () => {
  const port = await occupy('')
  const listening = server
  server = undefined
  await new Promise((resolve) => listening?.close(resolve))
  await expect(requireFreePort(configFor(port), 'npm start')).resolves.toBeUndefined()
  await expect(requireFreePort(configFor(0), 'npm start')).resolves.toBeUndefined()
})
