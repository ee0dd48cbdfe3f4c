// Who hears that there is something new.
//
// In this process the bell rings after each commit that appended events, and the sequencer goes to work. Other processes
// hear of the log through PostgreSQL: the sequencer's commit carries an empty NOTIFY, and each process keeps one
// connection that LISTENs. That connection is lost with every restart of PostgreSQL; it is then opened anew, and rings
// once, for what was missed. Nothing depends on a ring: whoever waits for it also looks by itself now and then.

import pg from 'pg'
import type { Bell } from '../context.ts'
import { isConnectionError } from '../db/errors.ts'
import type { Clock } from '../lib/clock.ts'
import type { Logger } from '../observability/logger.ts'
import { Alarm } from './alarm.ts'
import { backoffMs } from './backoff.ts'

export const EVENT_CHANNEL = 'cadre_events'

const PING_MS = 15_000
const GOODBYE_MS = 1_000

/** `here`: a transaction of this process appended events. `elsewhere`: another process moved events into the log. */
export type RingSource = 'here' | 'elsewhere'

export interface EventBell extends Bell {
  /** Calls the listener at every ring until the returned function is called. It must not throw. */
  onRing(listener: (source: RingSource) => void): () => void
  /** The PostgreSQL backends through which this process itself notifies; their notifications are no news to it. */
  readonly ownBackends: Set<number>
  /** Resolves when it listens, or when the first attempt failed; it goes on trying. */
  start(): Promise<void>
  stop(): Promise<void>
}

export interface BellOptions {
  /** A session of its own: not through a pooler in transaction mode. */
  readonly url: string
  readonly log: Logger
  readonly clock: Clock
}

export function createBell(options: BellOptions): EventBell {
  return new ListeningBell(options)
}

class ListeningBell implements EventBell {
  readonly ownBackends = new Set<number>()
  readonly #options: BellOptions
  readonly #listeners = new Set<(source: RingSource) => void>()
  readonly #pause = new Alarm()
  /** Rung when the present connection is lost or no longer wanted. */
  #connection: Alarm | undefined
  #stopped = false
  #loop: Promise<void> | undefined

  constructor(options: BellOptions) {
    this.#options = options
  }

  ring(): void {
    this.#emit('here')
  }

  onRing(listener: (source: RingSource) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  async start(): Promise<void> {
    if (this.#loop !== undefined) return
    await new Promise<void>((tried) => {
      this.#loop = this.#run(tried)
    })
  }

  async stop(): Promise<void> {
    this.#stopped = true
    this.#pause.ring()
    this.#connection?.ring()
    await this.#loop
  }

  #emit(source: RingSource): void {
    for (const listener of this.#listeners) listener(source)
  }

  async #run(tried: () => void): Promise<void> {
    const { clock, log } = this.#options
    let failures = 0
    while (!this.#stopped) {
      const lost = new Alarm()
      const client = this.#createClient(lost)
      this.#connection = lost
      try {
        await client.connect()
        await client.query(`LISTEN ${EVENT_CHANNEL}`)
        if (failures > 0) log.info('listening to the event log again')
        failures = 0
        tried()
        this.#emit('elsewhere')
        // A connection that died without a word is found out by a question.
        while (!this.#stopped && !(await lost.wait(clock, PING_MS))) {
          await client.query({ text: 'SELECT 1', query_timeout: PING_MS } as pg.QueryConfig)
        }
      } catch (err) {
        failures += 1
        // That the database is away is said once; anything else each time it is met.
        if (failures === 1 || !isConnectionError(err)) log.warn({ err }, 'not listening to the event log; trying again')
      }
      tried()
      this.ownBackends.clear()
      await this.#endClient(client)
      if (!this.#stopped) await this.#pause.wait(clock, backoffMs(failures + 1))
    }
  }

  /** Says good-bye where there is somebody to say it to; does not wait for an answer that may never come. */
  async #endClient(client: pg.Client): Promise<void> {
    const { clock, log } = this.#options
    const ended = new AbortController()
    const end = client
      .end()
      .catch((err) => log.debug({ err }, 'the listening connection was lost'))
      .finally(() => ended.abort())
    await Promise.race([end, clock.sleep(GOODBYE_MS, ended.signal).catch(() => end)])
  }

  #createClient(over: Alarm): pg.Client {
    const client = new pg.Client({
      connectionString: this.#options.url,
      application_name: 'cadre-listen',
      options: '-c role=cadre_system',
      connectionTimeoutMillis: 5_000,
      keepAlive: true,
    })
    const lost = () => over.ring()
    client.on('error', lost)
    client.on('end', lost)
    client.on('notification', ({ processId }) => {
      if (!this.ownBackends.has(processId)) this.#emit('elsewhere')
    })
    return client
  }
}
