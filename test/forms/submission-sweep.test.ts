import { beforeEach, describe, expect, it } from 'vitest'
import { updateSettingsInput } from '../../src/domains/settings/model.ts'
import { sweepSubmissions } from '../../src/domains/submissions/sweeps.ts'
import { updateWorkspaceSettings } from '../../src/domains/workspaces/settings.ts'
import { parseInput } from '../../src/platform/lib/parse.ts'
import { systemContext } from '../support/context.ts'
import { employeeIds, House } from './arrange.ts'
import { openHouse } from './open-house.ts'

const { database, db, house } = openHouse()
let form: { readonly id: string }

beforeEach(async () => {
  const handlers = { strategy: 'PRINCIPAL', employees: employeeIds(await house.employee('Iris')) }
  form = await house.form({ handlers })
})

const sweep = () => sweepSubmissions(db, (workspaceId) => systemContext(db, workspaceId))
const minutesAgo = (minutes: number) => new Date(Date.now() - minutes * 60_000)
const accept = (minutes: number) => house.accept(form, { email: 'ada@example.com' }, {}, minutesAgo(minutes))
const setRuns = (status: string) =>
  house.rows(
    `update run set status = $2, waiting_kind = case when $2 = 'WAITING' then 'PERSON' end,
       waiting_since = case when $2 = 'WAITING' then now() end, reason = case when $2 = 'FAILED' then 'POISON' end,
       finished_at = case when $2 = 'FAILED' then now() end where workspace_id = $1`,
    [status],
  )
const statuses = async () =>
  (
    await house.rows<{ status: string; reason: string | null }>(
      'select status, status_reason as reason from submission where workspace_id = $1 order by received_at',
    )
  ).map(({ status, reason }) => [status, reason])

describe('a submission that is PROCESSING', () => {
  it('without a live run needs a person after 30 minutes, once, and says why in the log', async () => {
    await accept(31)
    await setRuns('FAILED')
    expect(await sweep()).toBe(1)
    expect(await statuses()).toEqual([['NEEDS_REVIEW', 'For 30 minutes no run has worked on it.']])
    expect(await sweep()).toBe(0)
    expect((await house.eventTypes()).filter((type) => type === 'submission.needs_review')).toHaveLength(1)
  })

  it('needs a person after what its workspace has set, and another’s after what that has', async () => {
    const other = await House.open(db, database.url)
    await other.accept(
      await other.form({ handlers: { strategy: 'PRINCIPAL', employees: employeeIds(await other.employee('Ida')) } }),
      { email: 'ada@example.com' },
      {},
      minutesAgo(31),
    )
    await other.rows(`update run set status = 'FAILED', reason = 'POISON', finished_at = now() where workspace_id = $1`)
    const set = (of: House, reviewSubmissionsAfter: string) =>
      of.do((tx) => updateWorkspaceSettings(tx, parseInput(updateSettingsInput, { reviewSubmissionsAfter })))
    await set(other, 'PT1H30M')
    await set(house, 'PT10M')
    await accept(11)
    await accept(9)
    await setRuns('FAILED')
    expect(await sweep()).toBe(1)
    expect(await statuses()).toEqual([
      ['NEEDS_REVIEW', 'For 10 minutes no run has worked on it.'],
      ['PROCESSING', null],
    ])
    await set(other, 'PT20M')
    expect(await sweep()).toBe(1)
  })

  it.each(['QUEUED', 'RUNNING', 'WAITING'])(
    'stays as it is while a run is %s, however long ago it came',
    async (status) => {
      await accept(3 * 24 * 60)
      await setRuns(status)
      expect(await sweep()).toBe(0)
      expect(await statuses()).toEqual([['PROCESSING', null]])
    },
  )

  it('is left alone in its first 30 minutes', async () => {
    await accept(29)
    await setRuns('FAILED')
    expect(await sweep()).toBe(0)
    expect(await statuses()).toEqual([['PROCESSING', null]])
  })

  it('is moved by one of several passes at once', async () => {
    await accept(60)
    await accept(45)
    await setRuns('FAILED')
    const moved = await Promise.all([sweep(), sweep(), sweep()])
    expect(moved.reduce((sum, each) => sum + each, 0)).toBe(2)
    expect((await house.eventTypes()).filter((type) => type === 'submission.needs_review')).toHaveLength(2)
  })
})
