import { readdir } from 'node:fs/promises'
import { afterAll, describe, expect, it } from 'vitest'
import { registryOf, type ToolRegistry } from '../../src/agent/tools/registry.ts'
import { decideApproval } from '../../src/domains/approvals/service.ts'
import type { Mailer } from '../../src/domains/mail/mailer.ts'
import type { Database } from '../../src/platform/db/database.ts'
import { AppError, conflict } from '../../src/platform/lib/errors.ts'
import type { Tool } from '../../src/platform/tools/tool.ts'
import { testLog } from '../support/context.ts'
import { openTestDatabase } from '../support/open-test-database.ts'
import { Office, type OfficeOptions } from './arrange.ts'

/* What becomes of an act that was decided and then cannot be done: it is told, closed, and the run goes on. */

const { database, db } = openTestDatabase()
const offices: Office[] = []
afterAll(async () => {
  await Promise.all(offices.map((office) => office.close()))
})

const silentLog = testLog.child({}, { level: 'silent' })

/** An office with a lead that wants to be written to. */
async function open(options: OfficeOptions): Promise<{ office: Office; runId: string }> {
  const office = await Office.open(db, database.url, options)
  offices.push(office)
  const { runId } = await office.lead({ wants_call: true })
  return { office, runId }
}

/** The database of a process; `change` is made in the moment after an act outside was put down to be sent. */
function afterIntended(office: Office, runId: string, change: () => Promise<unknown>): Database {
  let changed = false
  return {
    ...db,
    inTransaction: async (ctx, work, options) => {
      const result = await db.inTransaction(ctx, work, options)
      if (!changed && (await office.effects(runId)).some(({ status }) => status === 'INTENDED')) {
        changed = true
        await change()
      }
      return result
    },
  }
}

const callOf = async (office: Office, runId: string, tool: string) =>
  (await office.steps(runId)).find(({ data }) => data.tool === tool)
const effectOf = async (office: Office, runId: string, tool: string) =>
  (await office.effects(runId)).find((effect) => effect.tool === tool)

async function approveAll(office: Office, runId: string): Promise<void> {
  for (const { id, status } of await office.approvals(runId)) {
    if (status === 'PENDING') await office.do((tx) => decideApproval(tx, { id, decision: 'APPROVE' }), office.ada)
  }
}

const mailerThat = (fails: () => never): Mailer => ({
  route: 'SMTP',
  send: async () => fails(),
  forget: async () => {},
  forgetTo: async () => {},
  close: () => {},
})
const refusing = mailerThat(() => {
  throw new AppError('CONFLICT', 'The mail server refused: no such mailbox')
})
const breaking = mailerThat(() => {
  throw new Error('the connection broke after the content')
})

describe('a mail that was to be sent', () => {
  it('is not sent to another address than was decided on', async () => {
    const { office, runId } = await open({})
    const moved = afterIntended(office, runId, () =>
      office.rows(
        `update contact set email = 'eve@nimbus.example', email_normalised = 'eve@nimbus.example' where workspace_id = $1`,
      ),
    )
    await office.work(runId, office.worker({ db: moved }))
    expect(await effectOf(office, runId, 'send_email')).toMatchObject({ status: 'FAILED' })
    expect(await callOf(office, runId, 'send_email')).toMatchObject({
      status: 'FAILED',
      data: { output: { error: { code: 'CONFLICT', message: expect.stringContaining('has changed') } } },
    })
    expect(await readdir(office.mailFolder)).toEqual([])
    expect((await office.run(runId)).status).toBe('SUCCEEDED')
    expect(await office.eventTypes(runId)).toContain('effect.failed')
  })

  it('fails where its contact has no address any more, and nothing was sent', async () => {
    const { office, runId } = await open({})
    const lost = afterIntended(office, runId, () =>
      office.rows('update contact set email = null, email_normalised = null where workspace_id = $1'),
    )
    await office.work(runId, office.worker({ db: lost }))
    expect(await effectOf(office, runId, 'send_email')).toMatchObject({ status: 'FAILED' })
    expect(await callOf(office, runId, 'send_email')).toMatchObject({
      data: { output: { error: { message: 'This contact has no e-mail address.' } } },
    })
    expect((await office.run(runId)).status).toBe('SUCCEEDED')
  })

  it('and that the mail server refuses has surely failed: its employee reads why, and goes on', async () => {
    const { office, runId } = await open({})
    await office.work(runId, office.worker({ registry: office.registryWith(refusing) }))
    expect(await effectOf(office, runId, 'send_email')).toMatchObject({ status: 'FAILED' })
    expect(await callOf(office, runId, 'send_email')).toMatchObject({
      status: 'FAILED',
      data: {
        isError: true,
        output: { error: { code: 'CONFLICT', message: expect.stringContaining('no such mailbox') } },
      },
    })
    expect((await office.run(runId)).status).toBe('SUCCEEDED')
  })

  it.each([
    ['refused', refusing, 'FAILED', 'effect.failed'],
    ['of unknown outcome', breaking, 'UNKNOWN', 'effect.unknown'],
  ] as const)(
    'and was approved, and then was %s, closes its approval as FAILED with the reason',
    async (_what, mailer, status, type) => {
      const { office, runId } = await open({ autonomy: 'SUPERVISED' })
      const work = office.worker({ registry: office.registryWith(mailer), log: silentLog })
      await office.work(runId, work)
      await approveAll(office, runId)
      await office.work(runId, work)
      expect(await effectOf(office, runId, 'send_email')).toMatchObject({ status })
      const [first] = await office.approvals(runId)
      expect(first?.status).toBe('FAILED')
      const errors = await office.rows<{ error: string }>(
        'select error from approval where workspace_id = $1 and id = $2',
        [first?.id],
      )
      expect(errors[0]?.error).toMatch(/no such mailbox|connection broke/)
      expect(await office.eventTypes(runId)).toEqual(expect.arrayContaining([type, 'approval.failed']))
      // The employee may ask again, which is another question.
      expect((await office.run(runId)).status).not.toBe('FAILED')
    },
  )
})

describe('an act inside the house that was approved', () => {
  /** The office's tools, of which one fails when it is carried out. */
  const withBroken = (office: Office, name: string, fails: () => never): ToolRegistry =>
    registryOf(
      office.registry.all.map((tool) => (tool.name === name ? ({ ...tool, run: async () => fails() } as Tool) : tool)),
    )

  it.each([
    [
      'for a reason',
      () => {
        throw conflict('DUPLICATE', 'There is such a deal.')
      },
      { code: 'CONFLICT', reason: 'DUPLICATE' },
    ],
    [
      'by a fault of ours, of which the employee reads nothing',
      () => {
        throw new Error('undefined is no function')
      },
      { code: 'INTERNAL' },
    ],
  ] as [string, () => never, object][])(
    'and fails %s closes its approval as FAILED, leaves nothing, and the run goes on',
    async (_why, fails, error) => {
      const { office, runId } = await open({ autonomy: 'DRAFT' })
      const work = office.worker({ registry: withBroken(office, 'open_deal', fails), log: silentLog })
      for (let turn = 0; turn < 8 && (await callOf(office, runId, 'open_deal'))?.status !== 'FAILED'; turn++) {
        await office.work(runId, work)
        await approveAll(office, runId)
      }
      const step = await callOf(office, runId, 'open_deal')
      expect(step).toMatchObject({ status: 'FAILED', data: { isError: true, output: { error } } })
      expect(JSON.stringify(step?.data)).not.toContain('undefined is no function')
      const approval = (await office.approvals(runId)).find(({ tool }) => tool === 'open_deal')
      expect(approval?.status).toBe('FAILED')
      expect(await office.count('deal')).toBe(0)
      expect(await effectOf(office, runId, 'open_deal')).toBeUndefined()
    },
  )
})
