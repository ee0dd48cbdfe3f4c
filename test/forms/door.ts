import { afterAll, beforeAll, beforeEach } from 'vitest'
import { formRoutes } from '../../src/domains/submissions/http.ts'
import type { Database } from '../../src/platform/db/database.ts'
import { type HttpServer, openHttpServer } from '../../src/platform/http/server.ts'
import { systemClock } from '../../src/platform/lib/clock.ts'
import { openDatabase, testLog } from '../support/context.ts'
import { createTestDatabase, type TestDatabase } from '../support/test-database.ts'
import { House } from './arrange.ts'

interface Opened {
  readonly database: TestDatabase
  readonly db: Database
  readonly server: HttpServer
  readonly house: House
}

interface Form {
  readonly slug: string
}

/** The public doors of forms and nothing else, there for all tests of the file, and a workspace for each. */
export function openDoor() {
  const opened: { -readonly [Part in keyof Opened]?: Opened[Part] } = {}
  const door = opened as Opened

  beforeAll(async () => {
    opened.database = await createTestDatabase()
    const db = openDatabase(opened.database.url)
    opened.db = db
    opened.server = await openHttpServer({
      routes: formRoutes({
        db,
        bell: { ring: () => {} },
        clock: systemClock,
        log: testLog,
        secret: 'a secret of this test',
      }),
      log: testLog,
      host: '127.0.0.1',
      port: 0,
      maxBodyBytes: 1024 * 1024,
      trustProxy: 0,
    })
  })
  afterAll(async () => {
    await opened.server?.close()
    await opened.db?.close()
    await opened.database?.drop()
  })
  beforeEach(async () => {
    opened.house = await House.open(door.db, door.database.url)
  })

  const at = (form: Form, rest = ''): string => `${door.server.url}/f/${door.house.slug}/${form.slug}${rest}`

  const postJson = (form: Form, body: unknown, headers: Record<string, string> = {}) =>
    fetch(at(form), {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    })

  const postForm = (form: Form, fields: readonly (readonly [string, string])[]) =>
    fetch(at(form), {
      method: 'POST',
      redirect: 'manual',
      body: new URLSearchParams(fields.map(([key, value]): [string, string] => [key, value])),
    })

  return { opened: door, at, postJson, postForm }
}

export const ada = { email: 'ada@example.com', name: 'Ada Lovelace' }
