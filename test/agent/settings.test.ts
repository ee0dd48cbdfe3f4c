import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, expect, it } from 'vitest'
import type { Model } from '../../src/agent/model/model.ts'
import { loadActivities } from '../../src/domains/employees/loaders.ts'
import { updateEmployee } from '../../src/domains/employees/service.ts'
import { updateSettingsInput } from '../../src/domains/settings/model.ts'
import { updateWorkspaceSettings } from '../../src/domains/workspaces/settings.ts'
import { parseInput } from '../../src/platform/lib/parse.ts'
import { openTestDatabase } from '../support/open-test-database.ts'
import { Office, type OfficeOptions, rehearsal } from './arrange.ts'

// What a workspace's settings do to its employees' work.

const { database, db } = openTestDatabase()
let office: Office
afterEach(() => office.close())

const set = (input: Record<string, unknown>) =>
  office.do((tx) => updateWorkspaceSettings(tx, parseInput(updateSettingsInput, input)))
const open = async (options?: OfficeOptions) => {
  office = await Office.open(db, database.url, options)
}

it('an approval that is asked for expires after `approvalExpiry`, and one that is open keeps its time', async () => {
  await open({ autonomy: 'SUPERVISED' })
  const ask = async () => {
    const { runId } = await office.lead({ wants_call: true })
    await office.work(runId)
    const [asked] = await office.rows<{ minutes: number }>(
      `select round(extract(epoch from expires_at - requested_at) / 60)::int as minutes from approval
        where workspace_id = $1 and run_id = $2`,
      [runId],
    )
    return asked?.minutes
  }
  expect(await ask()).toBe(24 * 60)
  await set({ approvalExpiry: 'PT2H' })
  expect(await ask()).toBe(120)
  expect(await office.count('approval', `expires_at > now() + interval '23 hours'`)).toBe(1)
})

it('an employee that names no model thinks with its role’s, else with the workspace’s, else with the server’s', async () => {
  await open()
  const asked: string[] = []
  const inner = rehearsal()
  const model: Model = {
    ...inner,
    attempt: (request) => {
      asked.push(request.model)
      return inner.attempt(request)
    },
  }
  const thinksWith = async () => {
    const { runId } = await office.lead()
    await office.work(runId, office.worker({ model, defaultModel: 'claude-sonnet-5-5' }))
    return [...new Set(asked.splice(0))]
  }
  expect(await thinksWith()).toEqual(['claude-sonnet-5-5'])
  await set({ defaultModel: 'claude-haiku-5-5', roleModels: [{ role: 'SDR', model: 'claude-opus-5' }] })
  expect(await thinksWith()).toEqual(['claude-haiku-5-5'])
  await set({ roleModels: [{ role: 'SALES_AE', model: 'claude-opus-5-5' }] })
  expect(await thinksWith()).toEqual(['claude-opus-5-5'])
  await office.do((tx) => updateEmployee(tx, { id: office.employeeId, model: 'claude-fable-5' }))
  expect(await thinksWith()).toEqual(['claude-fable-5'])
})

it('a run that has asked its model `maxTurns` times and is not done fails with STEP_LIMIT', async () => {
  await open()
  await set({ maxTurns: 2 })
  const { runId } = await office.lead()
  await office.work(runId)
  expect(await office.run(runId)).toMatchObject({ status: 'FAILED', reason: 'STEP_LIMIT' })
  expect((await office.steps(runId)).filter(({ kind }) => kind === 'MODEL_TURN')).toHaveLength(2)
  await set({ maxTurns: null })
  const other = await office.lead()
  await office.work(other.runId)
  expect(await office.run(other.runId)).toMatchObject({ status: 'SUCCEEDED' })
})

it('an employee whose run has finished no step for `stuckAfter` is STUCK', async () => {
  await open()
  const { runId } = await office.lead()
  await office.rows(
    `update run set status = 'RUNNING', started_at = now() - interval '5 minutes' where workspace_id = $1 and id = $2`,
    [runId],
  )
  const state = async () =>
    (await db.read(office.id, (sql) => loadActivities(sql, [office.employeeId], new Date()))).get(office.employeeId)
      ?.state
  expect(await state()).toBe('WORKING')
  await set({ stuckAfter: 'PT4M' })
  expect(await state()).toBe('STUCK')
  await set({ stuckAfter: 'PT6M' })
  expect(await state()).toBe('WORKING')
})

it('mail of an employee without an address is answered to `mailAddress`, and any to `replyTo` before that', async () => {
  await open()
  const mailFor = async () => {
    const { runId } = await office.lead({ wants_call: true })
    await office.work(runId)
    const file = (await readdir(office.mailFolder)).find((name) => name.startsWith(runId)) ?? 'none'
    const [head = ''] = (await readFile(join(office.mailFolder, file), 'utf8')).split('\r\n\r\n')
    return { from: /^From: (.*)$/m.exec(head)?.[1], replyTo: /^Reply-To: (.*)$/m.exec(head)?.[1] }
  }
  const from = 'Iris <cadre@localhost>'
  expect(await mailFor()).toEqual({ from, replyTo: undefined })
  await set({ mailAddress: 'hello@acme.example' })
  expect(await mailFor()).toEqual({ from, replyTo: 'hello@acme.example' })
  await office.do((tx) => updateEmployee(tx, { id: office.employeeId, email: 'iris@acme.example' }))
  expect(await mailFor()).toEqual({ from, replyTo: 'iris@acme.example' })
  await set({ replyTo: 'team@acme.example' })
  expect(await mailFor()).toEqual({ from, replyTo: 'team@acme.example' })
})
