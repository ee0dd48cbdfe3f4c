import { randomUUID } from 'node:crypto'
import { afterEach } from 'vitest'
import type { WireBlock } from '../../src/agent/model/messages-wire.ts'
import { createModel, type Model } from '../../src/agent/model/model.ts'
import type { WorkerOptions } from '../../src/agent/runs.ts'
import type { WorkSegment } from '../../src/platform/durable/segments.ts'
import {
  type MessagesServer,
  type MessagesServerOptions,
  type Step,
  startMessagesServer,
} from '../support/messages-server.ts'
import { openTestDatabase } from '../support/open-test-database.ts'
import { Office, type OfficeOptions } from './arrange.ts'

export const RETRY = { maxAttempts: 3, baseMs: 1, capMs: 2 }

/** A live model, over the network: a local server that speaks the Messages API. */
export const modelAt = (server: MessagesServer): Model =>
  createModel({ mode: 'live', apiKey: 'key', baseUrl: server.url, timeoutMs: 20_000 })

interface LiveRun {
  readonly office: Office
  readonly runId: string
  readonly work: WorkSegment
  readonly server: MessagesServer
}

/** A database for all tests of the file, and runs on it whose model answers as the test says, until the test is over. */
export function openLiveModel() {
  const { database, db } = openTestDatabase()
  const servers: MessagesServer[] = []
  afterEach(async () => {
    await Promise.all(servers.splice(0).map((server) => server.stop()))
  })

  async function listen(script: MessagesServerOptions['script']): Promise<MessagesServer> {
    const server = await startMessagesServer(script === undefined ? {} : { script })
    servers.push(server)
    return server
  }

  /** An office with a lead, whose run is worked by a model that answers so; as in a rehearsal without a script. */
  async function setUp(
    script: MessagesServerOptions['script'],
    options: OfficeOptions = {},
    worker: Partial<WorkerOptions> = {},
  ): Promise<LiveRun> {
    const server = await listen(script)
    const office = await Office.open(db, database.url, { dailyBudgetMicros: 1_000_000n, ...options })
    const { runId } = await office.lead()
    return { office, runId, server, work: office.worker({ model: modelAt(server), retry: RETRY, ...worker }) }
  }

  return { db, listen, setUp }
}

export const message = (content: WireBlock[]): Step => ({ kind: 'message', content })
export const says = (text: string): WireBlock => ({ type: 'text', text })
export const calls = (name: string, input: unknown, id = `toolu_${randomUUID()}`): WireBlock => ({
  type: 'tool_use',
  id,
  name,
  input,
})

/** What `send_inbox_message` takes. */
export const HELLO = { priority: 'NORMAL', subject: 'Hello', blocks: [{ type: 'text', text: 'Hello' }] }
