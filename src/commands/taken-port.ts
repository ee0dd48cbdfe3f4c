// Whether the port can be had, asked before anything is started, and if not, who has it.
//
// The one who listens is asked, not a note in a folder: two clones of the project have two folders and one port. A Cadre
// tells callers on its own machine which process it is (`/health/live`); its word counts only while this very process
// runs here, so that neither a tunnel to another machine nor a container makes us name a stranger's process id.

import { get } from 'node:http'
import { createServer } from 'node:net'
import { json } from 'node:stream/consumers'
import type { Config } from '../config.ts'
import { isIdentityAlive } from '../platform/db/process-identity.ts'
import { StartFault } from '../platform/lib/start-fault.ts'

const ANSWER_WITHIN_MS = 1_000
const PORTS_TO_TRY = 20

/** Throws a StartFault when nobody can listen where `config` says. `command` is what a person typed: `npm start`. */
export async function requireFreePort({ http }: Config, command: string): Promise<void> {
  if (http.port === 0) return
  try {
    await listenOnce(http.host, http.port)
  } catch (err) {
    throw (await listenFault(err, http, command)) ?? err
  }
}

/** Why listening failed, in two lines; undefined for a failure that has nothing to do with the address. */
export async function listenFault(
  err: unknown,
  { host, port }: Pick<Config['http'], 'host' | 'port'>,
  command: string,
): Promise<StartFault | undefined> {
  switch ((err as { code?: unknown }).code) {
    case 'EADDRINUSE': {
      const owner = await askWhoListens(host, port)
      const other = await nextFreePort(host, port)
      const elsewhere = `PORT=${other} ${command}`
      return owner === undefined
        ? new StartFault(`Port ${port} is taken, by another program.`, elsewhere, err)
        : new StartFault(
            `Port ${port} is taken, by another Cadre (pid ${owner.pid}, since ${owner.since}).`,
            `${elsewhere}   or stop it: kill ${owner.pid}`,
            err,
          )
    }
    case 'EACCES':
      return new StartFault(`Port ${port} is not for everybody: permission denied.`, `PORT=4000 ${command}`, err)
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return new StartFault(
        `HOST "${host}" is no address of this machine.`,
        'Leave HOST out to listen on loopback.',
        err,
      )
    default:
      return undefined
  }
}

function listenOnce(host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve()))
  })
}

interface Owner {
  readonly pid: number
  /** In words, in this machine's time: `09:12`. */
  readonly since: string
}

async function askWhoListens(host: string, port: number): Promise<Owner | undefined> {
  try {
    const { process } = (await readJson(loopbackOf(host), port)) as {
      process?: { identity?: unknown; startedAt?: unknown }
    }
    const { identity, startedAt } = process ?? {}
    if (typeof identity !== 'string' || typeof startedAt !== 'string' || !isIdentityAlive(identity)) return undefined
    return { pid: Number.parseInt(identity, 10), since: momentText(new Date(startedAt), new Date()) }
  } catch {
    // Whoever it is does not speak as we do.
    return undefined
  }
}

const loopbackOf = (host: string): string => (host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host)

/** Not with `fetch`: it calls itself a script, and scripts are not told which process it is. */
function readJson(host: string, port: number): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const signal = AbortSignal.timeout(ANSWER_WITHIN_MS)
    get({ host, port, path: '/health/live', agent: false, signal }, (response) => {
      json(response).then(resolve, reject)
    }).on('error', reject)
  })
}

function momentText(moment: Date, now: Date): string {
  const time = [moment.getHours(), moment.getMinutes()].map((part) => String(part).padStart(2, '0')).join(':')
  return moment.toDateString() === now.toDateString() ? time : `${moment.toDateString()} ${time}`
}

async function nextFreePort(host: string, taken: number): Promise<number> {
  for (let port = taken + 1; port <= Math.min(taken + PORTS_TO_TRY, 65_535); port++) {
    try {
      await listenOnce(host, port)
      return port
    } catch {
      // That one is taken too.
    }
  }
  // The system then chooses one, and the banner says which.
  return 0
}
