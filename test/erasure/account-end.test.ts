import { mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { type AccountErasureMeans, sweepAccountErasures } from '../../src/domains/erasures/service.ts'
import type { Office } from '../agent/arrange.ts'
import { Crash } from '../agent/dying-database.ts'
import { openOffice } from '../agent/open-office.ts'
import { silentLog } from '../events/log-world.ts'
import { runSql } from '../support/sql.ts'
import { meansWithout, somebody, workUntilDone } from './arrange.ts'
import { endMeans, personIn } from './arrange-account.ts'
import { searchEverywhere } from './search.ts'

const { database, db, office } = openOffice()

interface Row {
  readonly status: string
  readonly email: string | null
  readonly attempts: number
  readonly next_try_at: Date
  readonly digest: string | null
}

/** Somebody whose workspace has certified its part. */
async function nearlyErased() {
  const whom = somebody()
  const { erasureId, workspaces } = await (await personIn(office, db, whom)).erase()
  const work = async () => workUntilDone(office, meansWithout(office, db), workspaces[0]?.erasureId ?? '')
  const file = `account-erased-${erasureId}.eml`
  const row = async () => {
    const { rows } = await db.system.query<Row>('select * from account_erasure where id = $1', [erasureId])
    return rows[0] as Row
  }
  const swept = { from: 0, to: 0 }
  const sweep = async (means: Partial<AccountErasureMeans> = {}) => {
    await office.rows(`update account_erasure set next_try_at = now() where $1::uuid is not null`, [])
    swept.from = Date.now()
    const ended = await sweepAccountErasures({ ...endMeans(office, db), log: silentLog, ...means })
    swept.to = Date.now()
    return ended
  }
  /** As if it had been asked for so long ago. */
  const ago = (time: string) =>
    runSql(database.url, 'update account_erasure set requested_at = now() - $2::interval where id = $1', [
      erasureId,
      time,
    ])
  /** It is looked at again so many seconds after it was: at some moment of the last sweep, however long that took. */
  const expectDueIn = async (seconds: number) => {
    const due = (await row()).next_try_at.getTime()
    expect((due - swept.to) / 1_000).toBeLessThan(seconds * 1.25)
    expect((due - swept.from) / 1_000).toBeGreaterThan(seconds * 0.75)
  }
  return { whom, work, row, sweep, file, ago, expectDueIn }
}

const failing = (office: Office, send: AccountErasureMeans['mailer']['send']) => ({
  mailer: { ...endMeans(office, db).mailer, send },
})
const fails = async () => {
  throw new Error('450 come back later')
}

describe('the end of an account’s erasure', () => {
  it('waits for the workspaces, then tells the person, and forgets where', async () => {
    const { whom, work, row, sweep, file } = await nearlyErased()
    expect(await sweep()).toBe(0)
    expect(await row()).toMatchObject({ status: 'RUNNING', email: whom.email, digest: null })
    await work()
    expect(await sweep()).toBe(1)
    expect(await row()).toMatchObject({
      status: 'SUCCEEDED',
      email: null,
      digest: expect.stringMatching(/^[0-9a-f]{64}$/),
    })
    expect(await readdir(office.mailFolder)).toContain(file)
    expect(await sweep()).toBe(0)
    await rm(join(office.mailFolder, file))
    expect(await searchEverywhere(database.url, office.mailFolder, whom.texts)).toEqual(
      Object.fromEntries(whom.texts.map((text) => [text, []])),
    )
  })

  it('tries again while no mail goes out, with the same certificate', async () => {
    const { whom, work, row, sweep } = await nearlyErased()
    await work()
    expect(await sweep(failing(office, fails))).toBe(0)
    const first = await row()
    expect(first).toMatchObject({ status: 'RUNNING', email: whom.email, attempts: 1 })
    expect(await sweep(failing(office, fails))).toBe(0)
    expect(await row()).toMatchObject({ attempts: 2, digest: first.digest })
    expect(await sweep()).toBe(1)
    expect(await row()).toMatchObject({ status: 'SUCCEEDED', digest: first.digest })
  })

  it('forgets an address that has taken no mail for a day', async () => {
    const { work, row, sweep, file, ago } = await nearlyErased()
    await work()
    await ago('23 hours')
    expect(await sweep(failing(office, fails))).toBe(0)
    await ago('25 hours')
    expect(await sweep(failing(office, fails))).toBe(1)
    expect(await row()).toMatchObject({ status: 'SUCCEEDED', email: null })
    expect(await readdir(office.mailFolder)).not.toContain(file)
  })

  it('looks at the workspaces less often, the longer they take', async () => {
    const { work, row, sweep, ago, expectDueIn } = await nearlyErased()
    for (const [time, seconds] of [
      ['1 second', 1],
      ['100 seconds', 10],
      ['5 days', 600],
    ] as const) {
      await ago(time)
      await sweep()
      await expectDueIn(seconds)
    }
    expect(await row()).toMatchObject({ status: 'RUNNING', attempts: 0, digest: null })
    await work()
    expect(await sweep()).toBe(1)
  })

  it('tells nobody while what was mailed before cannot be forgotten, tries again later each time, and tells once', async () => {
    const { work, row, sweep, file, expectDueIn } = await nearlyErased()
    await work()
    const { mailer } = endMeans(office, db)
    const sent: string[] = []
    const send: typeof mailer.send = (mail, key) => {
      sent.push(key)
      return mailer.send(mail, key)
    }
    const forgetTo = async () => {
      throw Object.assign(new Error('permission denied'), { code: 'EACCES' })
    }
    for (const [attempts, seconds] of [
      [1, 2],
      [2, 4],
      [3, 8],
    ] as const) {
      expect(await sweep({ mailer: { send, forgetTo } })).toBe(0)
      expect(await row()).toMatchObject({ status: 'RUNNING', attempts })
      await expectDueIn(seconds)
    }
    expect(sent).toEqual([])
    await mkdir(join(office.mailFolder, 'old.eml'), { recursive: true })
    expect(await sweep({ mailer: { ...mailer, send } })).toBe(1)
    await rm(join(office.mailFolder, 'old.eml'), { recursive: true })
    expect(sent.map((key) => `${key}.eml`)).toEqual([file])
  })

  it('a process that dies after the mail has gone has it sent under the same key', async () => {
    const { work, row, sweep, file } = await nearlyErased()
    await work()
    const { mailer } = endMeans(office, db)
    const keys: string[] = []
    const dies = failing(office, async (mail, key) => {
      keys.push(key)
      await mailer.send(mail, key)
      throw new Crash()
    })
    await sweep(dies)
    expect(await row()).toMatchObject({ status: 'RUNNING' })
    await sweep(
      failing(office, (mail, key) => {
        keys.push(key)
        return mailer.send(mail, key)
      }),
    )
    expect(await row()).toMatchObject({ status: 'SUCCEEDED' })
    expect(new Set(keys)).toEqual(new Set([file.replace('.eml', '')]))
    expect((await readdir(office.mailFolder)).filter((name) => name === file)).toHaveLength(1)
  })
})
